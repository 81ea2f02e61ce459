/** A catalog that serves the newest snapshot of a table alone: all of its rows come, and none is missed silently. */
import assert from "node:assert/strict";
import { openPipelineServer } from "../../support/pipeline_server.ts";
import { PeerProcess } from "../_peer_process.ts";
import { startNessie } from "../_rest_servers.ts";
import { assertSameRowSet } from "../_same_rows.ts";
import type { Look } from "./stream_bed.ts";

/** See the top of this file. */
export async function newestAlone(): Promise<void> {
  await using catalog = await startNessie();
  const { uri, warehouse } = catalog;
  const properties = JSON.stringify({ nessie: { type: "rest", uri, warehouse } });
  await using pyiceberg = new PeerProcess("pyiceberg", "pyiceberg_streams.py", [properties]);
  const server = await openPipelineServer({
    env: {
      DRLS_CATALOG_NAME: "nessie",
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: uri,
      DRLS_WAREHOUSE: warehouse,
    },
  });
  try {
    await pyiceberg.hear("READY");
    const ask = <T>(verb: string, table: string, ...args: readonly unknown[]) =>
      pyiceberg.ask<T>([verb, "nessie", table, ...args]);
    await ask("events", "db.source", 2, [["k", "bucket[2]"]]);
    for (const first of [0, 10, 20]) await ask("append", "db.source", first, 10, 6);
    const { snapshots } = await ask<Look>("look", "db.source");
    assert.equal(snapshots.length, 1);
    const options = { source_table: "db.source", trigger_interval: "available-now" };
    const upsert = { write_mode: "upsert", key_columns: ["k"], max_files_per_batch: 2 };
    for (const [sink, more] of [["db.copy", {}], ["db.latest", upsert]] as const) {
      const checkpoint_location = `${server.dataDir}/checkpoints/${sink}`;
      const request = { sink_table: sink, checkpoint_location, ...options, ...more };
      const { pipeline_id: id } = await server.start(request);
      await server.until(id, ({ status }) => status === "stopped");
    }
    const rows = await ask<string[]>("rows", "db.source", null);
    assert.equal(rows.length, 30);
    assertSameRowSet(await ask("rows", "db.copy", null), rows, "a copy");
    const latest = await ask<string[]>("rows", "db.latest", ["id"]);
    const wanted = [24, 25, 26, 27, 28, 29].map((id) => `["${id}"]`);
    assertSameRowSet(latest, wanted, "the latest row of each key");
    await ask("append", "db.source", 30, 10, 6);
    const checkpoint_location = `${server.dataDir}/checkpoints/db.copy`;
    const refused = await server.refused({
      ...options,
      sink_table: "db.copy",
      checkpoint_location,
    });
    assert.equal(refused.body.code, "source_snapshots_expired");
    server.requireCalm();
  } finally {
    await server.dispose();
  }
}
