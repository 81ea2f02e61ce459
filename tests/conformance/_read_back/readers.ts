/** Every engine that reads tables of drls here, asked for all rows and held to the model's. */
import assert from "node:assert/strict";
import type { NestedField, Type } from "../../../lib/iceberg/spec/types.ts";
import { PeerProcess, SparkSession } from "../_peer_process.ts";
import { findJar } from "../_peers.ts";
import { assertSameRowSet } from "../_same_rows.ts";
import type { ModelTable } from "./model_table.ts";
import type { Predicate } from "./predicates.ts";

/** Engines that a table can be shown to. */
export type Engine = "drls" | "pyiceberg" | "spark" | "duckdb";

/** Running engines over one warehouse. */
export class Readers implements AsyncDisposable {
  readonly spark: SparkSession;
  readonly pyiceberg: PeerProcess;
  readonly #duckdb: PeerProcess;

  private constructor(spark: SparkSession, pyiceberg: PeerProcess, duckdb: PeerProcess) {
    this.spark = spark;
    this.pyiceberg = pyiceberg;
    this.#duckdb = duckdb;
  }

  /** Starts all of them, Spark over this hadoop warehouse. */
  static async start(warehouse: string): Promise<Readers> {
    const pyiceberg = new PeerProcess("pyiceberg", "pyiceberg_read.py", []);
    const duckdb = new PeerProcess("duckdb", "duckdb_read.py", []);
    const spark = await SparkSession.start(warehouse, findJar("iceberg-spark-runtime"));
    await Promise.all([pyiceberg.hear("READY"), duckdb.hear("READY")]);
    return new Readers(spark, pyiceberg, duckdb);
  }

  /** All engines show the model's rows. */
  async check(table: ModelTable, engines: readonly Engine[]): Promise<void> {
    const { fields } = table.schema;
    const reading = {
      drls: "own",
      pyiceberg: "pyiceberg",
      spark: "spark",
      duckdb: "duckdb",
    } as const;
    // Side by side: each waits for a process of its own.
    const found = await Promise.allSettled(engines.map(async (engine) => {
      const name = reading[engine];
      const rows = name === "own" ? await table.own() : await this.#rows(name, table);
      const { show, columns } = VIEWS[engine](fields);
      assertSameRowSet(
        rows.map((row) => canonical(row, columns, show)),
        table.expected().map((row) => canonical(pickColumns(row, fields, columns), columns, show)),
        `${table.name} read by ${engine}`,
      );
    }));
    const failed = found.flatMap((one, at) =>
      one.status === "rejected" ? [`${engines[at]}: ${one.reason?.message ?? one.reason}`] : []
    );
    assert(failed.length === 0, `${table.name}\n${failed.join("\n")}`);
  }

  /** Spark and PyIceberg, who skip files by what drls says of them, find the rows that match. */
  async checkPredicates(
    table: ModelTable,
    predicates: readonly Predicate[],
    engines: readonly Engine[],
  ): Promise<void> {
    const expected = predicates.map(({ matches }) =>
      table.rows.filter((row) => matches(row) === true).map(([id]) => String(id)).sort()
    );
    const same = (found: readonly string[], at: number, engine: Engine) =>
      assert.deepEqual(
        [...found].sort(),
        expected[at],
        `${table.name} read by ${engine} where ${predicates[at]?.sql}`,
      );
    if (engines.includes("spark")) {
      const parts = predicates.map(({ sql }, at) =>
        `SELECT ${at}, CAST(id AS STRING) FROM ${table.name} WHERE ${sql}`
      );
      const found = await this.spark.sql(parts.join(" UNION ALL "));
      for (const at of predicates.keys()) {
        same(found.filter(([part]) => part === at).map(([, id]) => String(id)), at, "spark");
      }
    }
    if (!engines.includes("pyiceberg")) return;
    const { metadataLocation } = await table.load();
    for (const [at, { tree }] of predicates.entries()) {
      if (tree === null) continue;
      const command = { metadata: metadataLocation, where: tree };
      same((await this.pyiceberg.ask<number[]>(command)).map(String), at, "pyiceberg");
    }
  }

  async #rows(engine: "pyiceberg" | "spark" | "duckdb", table: ModelTable) {
    switch (engine) {
      case "spark":
        await this.spark.sql(`REFRESH TABLE ${table.name}`);
        return await this.spark.exactRows(`SELECT * FROM ${table.name}`);
      case "pyiceberg": {
        const { metadataLocation } = await table.load();
        return await this.pyiceberg.ask<string[]>({ metadata: metadataLocation });
      }
      case "duckdb": {
        const files = (await table.files()).map(({ dataFile }) => dataFile.filePath);
        if (files.length === 0) return [];
        const columns = stored(table.schema.fields).length;
        return await this.#duckdb.ask<string[]>({ files, columns });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [this.pyiceberg, this.#duckdb, this.spark]) {
      await process[Symbol.asyncDispose]();
    }
  }
}

/** What an engine shows of rows: some of the columns, some values not as they are. */
interface View {
  readonly columns: readonly NestedField[];
  readonly show: (type: Type, value: unknown) => unknown;
}

const asItIs = (_type: Type, value: unknown) => value;

const VIEWS: Readonly<Record<Engine, (fields: readonly NestedField[]) => View>> = {
  drls: (columns) => ({ columns, show: asItIs }),
  spark: (columns) => ({ columns, show: asItIs }),
  // It reads files, which have no columns of a type without values.
  duckdb: (fields) => ({ columns: stored(fields), show: asItIs }),
  pyiceberg: (columns) => ({ columns, show: asPyiceberg }),
};

/**
 * PyIceberg 0.12 makes what it read anew from its parts, and forgets on the way which maps and which
 * lists of structs were null; of structs in lists of lists it finds no field whose name in the file
 * is another.
 */
export function asPyiceberg(type: Type, value: unknown): unknown {
  if (type.kind === "map") return value ?? [];
  if (type.kind !== "list") return value;
  if (type.element.kind === "struct") return value ?? [];
  return hidesStructs(type.element) ? null : value;
}

function hidesStructs(type: Type): boolean {
  switch (type.kind) {
    case "list":
      return type.element.kind === "struct" || hidesStructs(type.element);
    case "map":
      return type.value.kind === "struct" || hidesStructs(type.value);
    default:
      return false;
  }
}

/** Columns that files have. */
function stored(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.filter(({ type }) => type.kind !== "unknown");
}

function pickColumns(
  row: string,
  fields: readonly NestedField[],
  columns: readonly NestedField[],
): string {
  const values: unknown[] = JSON.parse(row);
  return JSON.stringify(columns.map((column) => values[fields.indexOf(column)]));
}

/** A row's text as all engines would write it: some show a UUID with hyphens, others its bytes. */
export function canonical(
  row: string,
  fields: readonly NestedField[],
  show: View["show"] = asItIs,
): string {
  const values: unknown[] = JSON.parse(row);
  return JSON.stringify(fields.map(({ type }, at) => alike(type, values[at], show)));
}

function alike(type: Type, given: unknown, show: View["show"]): unknown {
  const value = show(type, given);
  if (typeof value === "string") return type.kind === "uuid" ? value.replaceAll("-", "") : value;
  if (!Array.isArray(value)) return value;
  switch (type.kind) {
    case "struct":
      return type.fields.map((field, at) => alike(field.type, value[at], show));
    case "list":
      return value.map((item) => alike(type.element, item, show));
    case "map":
      return value.map(([key, item]) => [
        alike(type.key, key, show),
        alike(type.value, item, show),
      ]);
    default:
      return value;
  }
}
