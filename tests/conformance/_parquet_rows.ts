/** Rows of Parquet files, read here and by peers, and one table that all of them can hold. */
import assert from "node:assert/strict";
import { castColumn } from "../../lib/columnar/arrow/cast_column.ts";
import { inputFault } from "../../lib/columnar/arrow/column_error.ts";
import { valueReader } from "../../lib/columnar/arrow/value_reader.ts";
import {
  encodeRowGroup,
  metricsConfig,
  openParquetFile,
  ParquetAssembler,
  writeSettings,
} from "../../lib/columnar/parquet/mod.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import {
  type IcebergValue,
  isPrimitive,
  type NestedField,
  type Type,
} from "../../lib/iceberg/spec/types.ts";
import { type FileIo } from "../../lib/iceberg/ports.ts";
import { batchOfRows, rowText } from "../support/rows.ts";
import { PEERS_DIR, SCRIPTS_DIR } from "./_peers.ts";

/** A column of a table. */
export function field(id: number, name: string, type: Type, required = false): NestedField {
  const absent = { doc: null, initialDefault: undefined, writeDefault: undefined };
  return { id, name, type, required, ...absent };
}

/** The texts of all rows of a file, its columns taken as these fields by their place. */
export async function rowTexts(
  io: FileIo,
  location: string,
  fields: readonly NestedField[],
): Promise<string[]> {
  const source = await openParquetFile(io, { location });
  const texts: string[] = [];
  for (const index of source.rowGroups.keys()) {
    for await (const batch of source.readRowGroup(index)) {
      const readers = fields.map(({ name, type }, at) => {
        const column = batch.data.children[at];
        assert(column !== undefined, `${location} has no column ${at}`);
        const cast = isPrimitive(type) ? castColumn(column, type, inputFault(name)) : column;
        return valueReader(cast, type);
      });
      for (let row = 0; row < batch.numRows; row++) {
        texts.push(rowText(readers.map((read) => read(row)), fields));
      }
    }
  }
  return texts;
}

/** Runs a script of a peer and gives what it prints after `FIGURES`. */
export async function peerFigures<T>(
  peer: "pyiceberg" | "duckdb" | "spark",
  script: string,
  args: readonly string[],
): Promise<T> {
  const { success, stdout, stderr } = await new Deno.Command(`${PEERS_DIR}/${peer}/bin/python`, {
    args: [`${SCRIPTS_DIR}${script}`, ...args],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(300_000),
  }).output();
  const line = new TextDecoder().decode(stdout).split("\n").find((l) => l.startsWith("FIGURES "));
  assert(success && line !== undefined, new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(line.slice("FIGURES ".length));
}

const STRUCT: Type = {
  kind: "struct",
  fields: [field(101, "x", { kind: "int" }), field(102, "y", { kind: "string" }, true)],
};

const COLUMNS: readonly (readonly [string, Type, (row: number) => IcebergValue])[] = [
  ["i", { kind: "int" }, (row) => row * 1_000_000 * (row % 2 === 0 ? 1 : -1)],
  ["f", { kind: "float" }, (row) => row === 9 ? NaN : Math.fround(row / 7)],
  ["d", { kind: "double" }, (row) => row === 8 ? -Infinity : row === 7 ? -0 : Math.sqrt(row)],
  ["b", { kind: "boolean" }, (row) => row % 3 === 0],
  ["s", { kind: "string" }, (row) => `text ü \u{1f980} ${row % 20}`.repeat(row % 9)],
  ["o", { kind: "binary" }, (row) => new Uint8Array(row % 5).fill(row)],
  ["x", { kind: "fixed", length: 5 }, (row) => Uint8Array.of(0, 1, 2, row >> 8, row & 0xff)],
  ["dt", { kind: "date" }, (row) => row - 5],
  ["ts", { kind: "timestamp" }, (row) => BigInt(row) * 1_001_001n - 5_000_000n],
  ["tz", { kind: "timestamptz" }, (row) => BigInt(row) * 86_400_000_001n - 5_000_000n],
  ["d1", { kind: "decimal", precision: 1, scale: 1 }, (row) => BigInt(row % 10)],
  ["d5", { kind: "decimal", precision: 5, scale: 2 }, (row) => BigInt(-row)],
  ["d18", { kind: "decimal", precision: 18, scale: 3 }, (row) => 10n ** 17n - BigInt(row)],
  ["d38", { kind: "decimal", precision: 38, scale: 9 }, (row) => BigInt(-row) * 10n ** 34n],
  ["li", {
    kind: "list",
    elementId: 110,
    elementRequired: false,
    element: { kind: "int" },
  }, (row) => Array.from({ length: row % 5 }, (_, at) => at === 2 ? null : at)],
  ["lr", {
    kind: "list",
    elementId: 111,
    elementRequired: true,
    element: { kind: "string" },
  }, (row) => Array.from({ length: row % 4 }, (_, at) => `e${at}`)],
  ["ls", {
    kind: "list",
    elementId: 112,
    elementRequired: false,
    element: {
      kind: "struct",
      fields: [field(121, "x", { kind: "int" }), field(122, "y", { kind: "string" })],
    },
  }, (row) => [[row, null], null].slice(0, row % 3)],
  ["m", {
    kind: "map",
    keyId: 113,
    key: { kind: "string" },
    valueId: 114,
    valueRequired: false,
    value: { kind: "long" },
  }, (row) => Array.from({ length: row % 4 }, (_, at) => [`k${at}`, at === 1 ? null : BigInt(at)])],
  ["st", STRUCT, (row) => [row % 5 === 0 ? null : row, "y"]],
];

/** Types that Spark does not know. */
const MORE: typeof COLUMNS = [
  ["tm", { kind: "time" }, (row) => BigInt(row) * 86_400_000n + 1n],
  ["u", { kind: "uuid" }, (row) => `00000000-0000-4000-8000-${String(row).padStart(12, "0")}`],
  ["ns", { kind: "timestamp_ns" }, (row) => BigInt(row) * 1_000_000_001n],
];

/** A table of many types, every optional column with nulls. */
export function sampleTable(options: { readonly forSpark: boolean; readonly rows: number }) {
  const columns = options.forSpark ? COLUMNS : [...COLUMNS, ...MORE];
  const fields = [
    field(1, "id", { kind: "long" }, true),
    ...columns.map(([name, type], at) => field(at + 2, name, type)),
  ];
  const rows = Array.from({ length: options.rows }, (_, row): IcebergValue[] => [
    BigInt(row),
    ...columns.map(([, , make], at) => row % (at + 4) === 3 ? null : make(row)),
  ]);
  return { schema: new Schema({ schemaId: 0, fields, identifierFieldIds: [] }), rows };
}

/** Writes rows as a file of several row groups. */
export async function writeRows(
  io: FileIo,
  location: string,
  options: ReturnType<typeof sampleTable> & {
    readonly properties?: Readonly<Record<string, string>>;
  },
): Promise<Awaited<ReturnType<ParquetAssembler["finish"]>>> {
  const { schema, rows, properties = {} } = options;
  const assembler = new ParquetAssembler(await io.openWriter(location), { schema });
  const settings = writeSettings(properties);
  const metrics = metricsConfig({ schema, properties });
  const size = Math.ceil(rows.length / 3);
  for (let at = 0; at < rows.length; at += size) {
    const batch = batchOfRows(schema.fields, rows.slice(at, at + size));
    await assembler.append(encodeRowGroup([batch], { schema, settings, metrics }));
  }
  return await assembler.finish();
}
