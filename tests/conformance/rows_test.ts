import assert from "node:assert/strict";
import { type CatalogConfig, openCatalog } from "../../lib/catalog/mod.ts";
import { loadTable } from "../../lib/catalog/load/mod.ts";
import { type FileIo, formatIdentifier } from "../../lib/iceberg/ports.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { readRows } from "../support/read_table.ts";
import { rowText } from "../support/rows.ts";
import { PEERS_DIR, peerTest } from "./_peers.ts";

/** Tables that several engines wrote, copied away from where they were written. */
const FIXTURES = new URL("../../../shared/fixtures/iceberg", import.meta.url).pathname;
/** What a table's data file outside of its folder is relative to. */
const COLLECTION = "data/persistent/";

/** Tables that PyIceberg 0.12 cannot read, with what is asked of their rows instead. */
const UNREADABLE: Readonly<Record<string, (rows: readonly string[]) => void>> = {
  // A deletion vector without a Puffin file around it: it deletes the row at position 1 of three.
  "legacy_bare_deletion_vector.warehouse.default.legacy_bare_deletion_vector": (rows) =>
    assert.deepEqual(rows, ['["1", "legacy"]', '["3", "legacy"]']),
  // A required column that is stored nowhere but in the partitions.
  "partition_timestamp.default.db.partition_timestamp": (rows) =>
    assert.deepEqual(rows, [
      `["${1684161045_000000}", "12345", "click"]`,
      `["${1692695720_000000}", "67890", "purchase"]`,
    ]),
};

await readyParquet();

peerTest("every row of every fixture table reads as PyIceberg reads it", ["pyiceberg"], {
  fn: async (t) => {
    const output = await Deno.makeTempDir({ prefix: "drls-rows-" });
    try {
      const { tables, unreadable } = await peerRows(FIXTURES, output);
      assert.deepEqual(Object.keys(unreadable), Object.keys(UNREADABLE));
      const config = { type: "hadoop", name: "f", warehouse: FIXTURES, uri: null, extraProps: {} };
      const catalog = openCatalog(config as CatalogConfig, { dataDir: null, storageRoots: [] });
      for (const identifier of await catalog.listTables()) {
        const name = formatIdentifier(identifier);
        await t.step(name, async () => {
          const location = await catalog.locateExactly(identifier);
          const { io, metadata } = await loadTable(location, { openStorage });
          const { rows, fields } = await readRows(withOutside(io), metadata);
          const read = rows.map((row) => rowText(row, fields)).sort();
          const check = UNREADABLE[name];
          if (check !== undefined) return check(read);
          const expected = (await Deno.readTextFile(`${output}/${name}.jsonl`)).split("\n");
          assert.equal(read.length, tables[name]);
          assert.deepEqual(read, read.length === 0 ? [] : expected.sort());
        });
      }
    } finally {
      await Deno.remove(output, { recursive: true });
    }
  },
});

async function peerRows(folder: string, output: string): Promise<{
  readonly tables: Readonly<Record<string, number>>;
  readonly unreadable: Readonly<Record<string, string>>;
}> {
  const script = new URL("./peers/pyiceberg_rows.py", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(`${PEERS_DIR}/pyiceberg/bin/python`, {
    args: [script, folder, output],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    signal: AbortSignal.timeout(120_000),
  }).output();
  const line = new TextDecoder().decode(stdout).split("\n").find((l) => l.startsWith("FIGURES "));
  assert(success && line !== undefined, new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(line.slice("FIGURES ".length));
}

/** One table has a data file outside of its folder, whose path is relative to the collection. */
function withOutside(io: FileIo): FileIo {
  const outside = openStorage({ local: { kind: "local", roots: [FIXTURES] }, s3: null });
  const place = (location: string) => `${FIXTURES}/${location.slice(COLLECTION.length)}`;
  return new Proxy(io, {
    get: (target, key) =>
      key === "read"
        ? async (location: string, options: object) => {
          try {
            return await target.read(location, options);
          } catch (error) {
            if (!location.startsWith(COLLECTION)) throw error;
            return await outside.read(place(location), options);
          }
        }
        : Reflect.get(target, key).bind(target),
  });
}
