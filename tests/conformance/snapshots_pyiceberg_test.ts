/** Snapshots that drls makes, read and built upon by PyIceberg. */
import assert from "node:assert/strict";
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { deleteFiles } from "../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../lib/iceberg/commit/snapshot/merge_append.ts";
import { overwriteFiles } from "../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { RemoveDanglingDeletes } from "../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import { rewriteFiles } from "../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { RewriteManifests } from "../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { eq } from "../../lib/iceberg/expression/expression.ts";
import { PeerProcess } from "./_peer_process.ts";
import { peerTest } from "./_peers.ts";
import {
  byRegion,
  byText,
  deleteAt,
  inTempDir,
  OPTIONS,
  Ours,
  ownTables,
} from "./_snapshot_tables.ts";

peerTest("PyIceberg reads snapshots of drls, and goes on from there", ["pyiceberg"], {
  fn: async (t) => {
    await inTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/wh`);
      await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
      const uri = `sqlite:///${dir}/catalog.db`;
      const warehouse = `${dir}/wh`;
      const config = parseCatalogConfig({ catalog_type: "sql", warehouse, uri }, OPTIONS);
      const catalog = openCatalog(config, OPTIONS);
      const properties = JSON.stringify({ type: "sql", uri, warehouse: `file://${warehouse}` });
      for (const formatVersion of [1, 2, 3] as const) {
        await t.step(`format v${formatVersion}`, async () => {
          const name = `db.v${formatVersion}`;
          await catalog.createTable(byRegion(name, formatVersion));
          await using ours = await Ours.open(catalog, name);
          await using peer = new PeerProcess("pyiceberg", "pyiceberg_table.py", [
            properties,
            "drls",
            name,
          ]);
          await peer.hear("READY");
          await walkWithPyiceberg(ours, peer);
        });
      }
      await catalog.close();
    });
  },
});

// deno-lint-ignore no-explicit-any -- whatever a script prints
async function ask(peer: PeerProcess, ...command: readonly unknown[]): Promise<any> {
  await peer.tell(JSON.stringify(command));
  const { word, text } = await peer.hear("RESULT", "ERROR");
  if (word === "ERROR") throw new Error(`PyIceberg failed: ${JSON.parse(text)}`);
  return JSON.parse(text);
}

/** Changes by PyIceberg; by drls in a v3 table, which PyIceberg reads and cannot write. */
async function change(ours: Ours, peer: PeerProcess) {
  const { formatVersion } = (await ours.store.load()).metadata;
  if (formatVersion < 3) {
    return {
      append: async (id: number, region: string) => await ask(peer, "append", [[id, region]]),
      deleteRegion: async (region: string) => await ask(peer, "delete", `region = '${region}'`),
    };
  }
  return {
    append: async (id: number, region: string) =>
      await ours.commit(mergeAppend({ files: [await ours.files.data([id], region)] })),
    deleteRegion: async (region: string) =>
      await ours.commit(overwriteFiles({ where: eq("region", region) })),
  };
}

async function walkWithPyiceberg(ours: Ours, peer: PeerProcess): Promise<void> {
  const check = async (rows: readonly (readonly [number, string | null])[]) => {
    assert.deepEqual(await ask(peer, "rows"), rows);
    const own = await ownTables(ours);
    const files = own.files.map(([content, path, count]) => [content, path, count]).sort(byText);
    assert.deepEqual([...await ask(peer, "files")].sort(byText), files);
    assert.deepEqual([...await ask(peer, "entries")].sort(byText), own.entries);
    const manifests = own.manifests.map(([, ...rest]) => rest).sort(byText);
    assert.deepEqual([...await ask(peer, "manifests")].sort(byText), manifests);
    const { metadata } = await ours.store.load();
    const snapshots = metadata.snapshots.map(({ snapshotId, summary }) => {
      const { operation, ...rest } = summary;
      return [String(snapshotId), operation, rest];
    });
    assert.deepEqual(await ask(peer, "snapshots"), snapshots);
  };
  const { files } = ours;
  const eu = await files.data([1, 2, 3], "eu");
  const us = await files.data([4, 5], "us");
  await ours.commit(mergeAppend({ files: [eu, us] }));
  await check([[1, "eu"], [2, "eu"], [3, "eu"], [4, "us"], [5, "us"]]);
  const { append, deleteRegion } = await change(ours, peer);
  await append(6, "us");
  await append(7, "ap");
  const { metadata } = await ours.store.load();
  let left = [1, 2, 3];
  if (metadata.formatVersion > 1) {
    await deleteAt(ours, eu, [0]);
    left = [2, 3];
  }
  await ours.commit(
    rewriteFiles({
      replaced: [{ dataFile: eu }],
      added: [await files.data(left, "eu")],
      startingSnapshotId: (await ours.head()).snapshotId,
    }),
  );
  await ours.commit(new RemoveDanglingDeletes());
  const kept = left.map((id) => [id, "eu"] as const);
  await check([...kept, [4, "us"], [5, "us"], [6, "us"], [7, "ap"]]);
  await deleteRegion("us");
  await check([...kept, [7, "ap"]]);
  await ours.commit(new RewriteManifests());
  await ours.commit(deleteFiles({ files: (await ours.live()).slice(0, 1) }));
  await append(8, "us");
  const first = (await ours.live()).map(({ dataFile: file }) => file.partition[0]);
  const rows = [
    ...first.includes("eu") ? kept : [],
    ...first.includes("ap") ? [[7, "ap"] as const] : [],
  ];
  await check([...rows, [8, "us"]]);
}
