import assert from "node:assert/strict";
import type { TableLocation } from "../../../../lib/catalog/mod.ts";
import { column } from "../../../support/commit_fixture.ts";
import { ANY_LOCATION } from "../../../support/maintenance/job_host.ts";
import { ParquetTable } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { compactFiles, schemaOf } from "./_rewriting.ts";

await readyParquet();

for (const strategy of ["binpack", "sort"] as const) {
  Deno.test(`${strategy}: what a REST catalog answered does not go away with the first task`, async () => {
    const { identifier, storage } = ANY_LOCATION;
    const response = new TextEncoder().encode("{}");
    const location: TableLocation = { kind: "rest", identifier, storage, response };
    const table = new ParquetTable({ formatVersion: 2, schemas: [schemaOf(column(1, "id"))] });
    for (let id = 0n; id < 6n; id++) await table.append([[id], [id + 10n]]);
    const tasks: string[] = [];
    const receipt = await compactFiles(table, {
      strategy,
      location,
      onTask: (name) => void tasks.push(name),
      ...(strategy === "sort" ? { sortOrder: "id" } : {}),
    });
    assert.equal(receipt.rewritten_files, 6);
    assert(tasks.length > 0);
    assert.equal(response.byteLength, 2);
    await compactFiles(table, { location });
  });
}
