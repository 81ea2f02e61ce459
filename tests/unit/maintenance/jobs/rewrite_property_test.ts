import assert from "node:assert/strict";
import fc from "fast-check";
import { canMakeKeys } from "../../../../lib/columnar/arrow/row_keys.ts";
import { ROW_LINEAGE_COLUMNS } from "../../../../lib/columnar/mod.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { ParquetTable, type Row } from "../../../support/maintenance/parquet_table.ts";
import { rowText } from "../../../support/rows.ts";
import { type Table, tables } from "../../columnar/parquet/_tables.ts";
import { assertSettled, compactFiles, type CompactFilesOptions } from "./_rewriting.ts";

await readyParquet();

interface Case {
  readonly formatVersion: FormatVersion;
  readonly table: Table;
  /** How many rows each file gets, at most. */
  readonly rowsPerFile: number;
  /** Rows whose number leaves this remainder are deleted; none where it is null. */
  readonly deleted: number | null;
  readonly strategy: "binpack" | "sort" | "zorder";
  readonly descending: boolean;
  readonly options: NonNullable<CompactFilesOptions["options"]>;
  readonly width: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  formatVersion: fc.constantFrom(2, 3),
  table: tables({ maxColumns: 4, maxRows: 40 }),
  rowsPerFile: fc.integer({ min: 1, max: 20 }),
  deleted: fc.option(fc.integer({ min: 0, max: 2 })),
  strategy: fc.constantFrom("binpack", "sort", "zorder"),
  descending: fc.boolean(),
  options: fc.record({
    "target-file-size-bytes": fc.constantFrom(2_000, 20_000, 2 ** 29),
    "max-concurrent-file-group-rewrites": fc.integer({ min: 1, max: 3 }),
    "max-file-group-input-files": fc.integer({ min: 1, max: 5 }),
    "partial-progress.enabled": fc.boolean(),
    "remove-dangling-deletes": fc.boolean(),
  }),
  width: fc.integer({ min: 1, max: 3 }),
});

/** The order asked for: by the first column that has one, else bin packing. */
function orderOf({ table, strategy, descending }: Case) {
  const first = table.schema.fields.find(({ type }) => canMakeKeys(type));
  if (strategy === "binpack" || first === undefined) return { strategy: "binpack" } as const;
  return strategy === "sort"
    ? { strategy, sortOrder: `${first.name} ${descending ? "desc" : "asc"}` }
    : { strategy, sortOrder: `zorder(${first.name})` };
}

async function filled({ formatVersion, table: drawn, rowsPerFile, deleted }: Case) {
  const { schema, columns, rows } = drawn;
  const table = new ParquetTable({ formatVersion, schemas: [schema] });
  const all: Row[] = Array.from(
    { length: rows },
    (_, row) => columns.map((values) => values[row] ?? null),
  );
  for (let at = 0; at < rows; at += rowsPerFile) {
    await table.append(all.slice(at, at + rowsPerFile));
  }
  let number = 0;
  if (deleted !== null) await table.deleteWhere(() => number++ % 3 === deleted);
  return table;
}

/** Rows, in v3 with what identifies them, every bit of them, sorted. */
async function contents(table: ParquetTable, fields: readonly NestedField[]) {
  const lineage = table.metadata.formatVersion >= 3 ? ROW_LINEAGE_COLUMNS : [];
  const all = [...fields, ...lineage];
  return (await table.rows()).map((row: IcebergValue[]) => rowText(row, all)).sort();
}

Deno.test("whatever the table and the options, compaction keeps every live row and its identity", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const { table: { schema }, width, options } = given;
      const table = await filled(given);
      const before = await contents(table, schema.fields);
      const order = orderOf(given);
      await compactFiles(table, { ...order, width, options: { ...options, "rewrite-all": true } });
      assert.deepEqual(await contents(table, schema.fields), before);
      if (given.formatVersion === 3) {
        for (const { deletes } of await table.tasks()) assert.deepEqual(deletes, []);
      }
      // What is of the right size stays; one file is always alone.
      if ((await table.tasks()).length === 1) await assertSettled(table);
    }),
    { numRuns: 40 },
  );
});
