/** Tables in memory as queries see them, and queries over them. */
import { makeData, RecordBatch, Schema as ArrowSchema, Struct } from "apache-arrow";
import { arrowSchema } from "../../lib/columnar/arrow/arrow_schema.ts";
import { columnBuilder } from "../../lib/columnar/arrow/column_builder.ts";
import { DuckDb } from "../../lib/columnar/duckdb/mod.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../lib/iceberg/spec/types.ts";
import type { QueryTable, ScanRequest } from "../../lib/sql/query_table.ts";
import { type ResultFormat, writeResult } from "../../lib/tables/query/result_text.ts";
import { runQuery } from "../../lib/sql/run_query.ts";
import { tablesOf } from "../../lib/sql/text/sql_tables.ts";

/** `now()` of every query here. */
export const NOW_MS = Date.UTC(2026, 5, 1, 12);
/** Memory of the engine in tests, in bytes. */
export const ENGINE_BYTES = 512 * 1024 * 1024;

/** The engine, compiled. */
export async function compileEngine(): Promise<WebAssembly.Module> {
  const url = import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-eh.wasm");
  return await WebAssembly.compile(await Deno.readFile(new URL(url)));
}

/** An engine with an empty database. */
export async function openEngine(): Promise<DuckDb> {
  return await DuckDb.open({ module: await compileEngine(), memoryBytes: ENGINE_BYTES });
}

/** A table of batches of rows; it remembers what it was asked for. */
export class MemoryQueryTable implements QueryTable {
  readonly schema: Schema;
  readonly requests: ScanRequest[] = [];
  readonly #batches: readonly (readonly (readonly IcebergValue[])[])[];

  constructor(
    columns: Readonly<Record<string, Type>>,
    batches: readonly (readonly (readonly IcebergValue[])[])[],
  ) {
    const fields = Object.entries(columns).map(([name, type], i): NestedField => ({
      id: i + 1,
      name,
      required: false,
      type,
      doc: null,
      initialDefault: undefined,
      writeDefault: undefined,
    }));
    this.schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
    this.#batches = batches;
  }

  async *scan(request: ScanRequest): AsyncGenerator<RecordBatch> {
    this.requests.push(request);
    const indexes = request.columns.map((name) =>
      this.schema.fields.findIndex((field) => field.name === name)
    );
    const all = arrowSchema(this.schema).fields;
    const fields = indexes.flatMap((i) => all[i] ?? []);
    for (const rows of this.#batches) {
      await Promise.resolve();
      const children = indexes.map((index, i) => {
        const field = this.schema.fields[index];
        const arrow = fields[i];
        if (field === undefined || arrow === undefined) throw new TypeError("Unknown column");
        const builder = columnBuilder(field.type, { column: field.name });
        for (const row of rows) builder.append(row[index] ?? null);
        return builder.finish();
      });
      const type = new Struct(fields);
      const data = makeData({ type, length: rows.length, nullCount: 0, children });
      yield new RecordBatch(new ArrowSchema(fields), data);
    }
  }
}

/** Options of {@linkcode queryText}. */
export interface QueryTextOptions {
  readonly tables: Readonly<Record<string, QueryTable>>;
  readonly format?: ResultFormat;
  readonly rowLimit?: number | null;
  readonly signal?: AbortSignal;
}

/** Runs a query in a fresh database of `db` and gives the whole result as bytes. */
export async function queryBytes(
  db: DuckDb,
  sql: string,
  options: QueryTextOptions,
): Promise<Uint8Array> {
  db.reset();
  const tables = tablesOf(sql).flatMap((mention) => {
    const table = options.tables[mention.parts.join(".")];
    const namespace = mention.parts.slice(0, -1).join(".");
    return table === undefined ? [] : [{ mention, namespace, name: mention.parts.at(-1)!, table }];
  });
  const { rowLimit = null, signal = new AbortController().signal } = options;
  const result = await runQuery(db, { sql, tables, rowLimit, nowMs: NOW_MS, signal });
  const pieces: BlobPart[] = [];
  for await (const piece of writeResult(result, options.format ?? "json")) {
    pieces.push(piece.slice());
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
