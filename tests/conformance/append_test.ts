/** What PyArrow writes and the server appends, as PyIceberg reads it back. */
import assert from "node:assert/strict";
import { peerFigures } from "./_parquet_rows.ts";
import { peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, startServer } from "./_server.ts";

const ROWS = [
  ["1", "a", "1970-01-01T00:00:00", "1.50", "2024-02-29"],
  ["2", null, null, "-99999999.99", null],
  ["3", 'ü,"x"\n', "2023-11-14T22:13:20.123456", null, "1969-12-31"],
];

peerTest("PyIceberg reads rows that were appended in each format", ["pyiceberg"], {
  async fn() {
    const warehouse = await Deno.makeTempDir({ prefix: "drls-append-" });
    try {
      await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
      const args = [server.url, ADMIN_TOKEN, warehouse];
      const found = await peerFigures<Record<string, unknown>>(
        "pyiceberg",
        "pyiceberg_append.py",
        args,
      );
      const { refused, ...rows } = found;
      assert.deepEqual(rows, { arrow: ROWS, parquet: ROWS, ndjson: ROWS, csv: ROWS });
      assert.deepEqual(refused, { lz4: "arrow_compressed", zstd: "arrow_compressed" });
    } finally {
      await Deno.remove(warehouse, { recursive: true });
    }
  },
});
