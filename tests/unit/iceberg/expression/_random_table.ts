/** Random small tables with true metrics, for properties of pruning. */
import fc from "fast-check";
import type { BoundReference } from "../../../../lib/iceberg/expression/bound.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { FieldSummary, ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import { applyTransform } from "../../../../lib/iceberg/spec/apply_transform.ts";
import type { PartitionField, PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import {
  canTransform,
  type Transform,
  transformResultType,
} from "../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue, PrimitiveType, Type } from "../../../../lib/iceberg/spec/types.ts";
import { compareValues, encodeValue } from "../../../../lib/iceberg/spec/values.ts";

/** A row by field id; a column inside a null struct is null. */
export type Row = ReadonlyMap<number, IcebergValue>;

/** One leaf column of the table that properties run on. */
export interface Column {
  readonly id: number;
  readonly name: string;
  readonly type: PrimitiveType;
  readonly required: boolean;
  readonly values: fc.Arbitrary<IcebergValue>;
}

const INT_MIN = -(2 ** 31);
const LONG_MIN = -(2n ** 63n);
const HOUR = 3_600_000_000n;

function field(id: number, name: string, type: Type, required = false) {
  return {
    id,
    name,
    type,
    required,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

function column(
  id: number,
  name: string,
  type: PrimitiveType,
  values: readonly IcebergValue[],
  required = false,
): Column {
  return { id, name, type, required, values: fc.constantFrom(...values) };
}

const TEXTS = ["", "a", "aa", "aab", "abc", "abcd", "b", "\u{10ffff}", "\u{1f600}x", "\uffee", "z"];

/** Values are few, so that rows meet literals, and sit on the edges of transforms and types. */
export const COLUMNS: readonly Column[] = [
  column(1, "i", { kind: "int" }, [INT_MIN, INT_MIN + 1, -11, -10, -1, 0, 1, 9, 10, 2 ** 31 - 1]),
  column(2, "l", { kind: "long" }, [LONG_MIN, -100n, -1n, 0n, 5n, 10n, 2n ** 63n - 1n]),
  column(3, "d", { kind: "double" }, [-Infinity, -1.5, -0, 0, 1.5, 1e300, Infinity, NaN]),
  column(4, "f", { kind: "float" }, [-1.5, -0, 0, Math.fround(0.1), 3, NaN]),
  column(5, "s", { kind: "string" }, TEXTS),
  column(6, "date", { kind: "date" }, [-800, -366, -365, -31, -1, 0, 1, 30, 31, 365, 400]),
  column(7, "ts", { kind: "timestamp" }, [
    ...[-9000n * HOUR, -24n * HOUR - 1n, -24n * HOUR, -HOUR, -1n, 0n, 1n, HOUR, 24n * HOUR],
    // The widest whose hour still fits an int.
    ...[-(7n * 10n ** 18n), 7n * 10n ** 18n, 9000n * HOUR],
  ]),
  column(8, "dec", { kind: "decimal", precision: 6, scale: 2 }, [
    -99999n,
    -101n,
    -1n,
    0n,
    99n,
    100n,
  ]),
  column(9, "b", { kind: "boolean" }, [true, false], true),
  column(
    10,
    "bin",
    { kind: "binary" },
    [[], [0], [1], [1, 2], [1, 2, 3], [255, 255]].map((bytes) => Uint8Array.from(bytes)),
  ),
  column(11, "u", { kind: "uuid" }, [
    "00000000-0000-0000-0000-000000000001",
    "7fffffff-0000-0000-0000-000000000000",
    "80000000-0000-0000-0000-000000000000",
  ]),
  column(21, "st.x", { kind: "int" }, [-1, 0, 1], true),
  column(22, "st.y", { kind: "string" }, ["a", "ab", "b"]),
];

/** The schema of {@linkcode COLUMNS}: `st` is an optional struct. */
export const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    ...COLUMNS.filter((c) => !c.name.includes(".")).map((c) =>
      field(c.id, c.name, c.type, c.required)
    ),
    field(20, "st", {
      kind: "struct",
      fields: COLUMNS.filter((c) => c.name.startsWith("st.")).map((c) =>
        field(c.id, c.name.slice(3), c.type, c.required)
      ),
    }),
  ],
});

/** Rows with about one null in four, and structs that are null as a whole. */
export function rows(): fc.Arbitrary<Row[]> {
  const cells = COLUMNS.map((c) => c.required ? c.values : fc.option(c.values, { freq: 4 }));
  const row = fc.tuple(fc.boolean(), fc.tuple(...cells)).map(([hasStruct, values]) =>
    new Map(COLUMNS.map((c, i) => {
      const value = values[i] ?? null;
      return [c.id, c.name.startsWith("st.") && !hasStruct ? null : value] as const;
    }))
  );
  return fc.array(row, { minLength: 1, maxLength: 12 });
}

const TRANSFORMS: readonly Transform[] = [
  { kind: "identity" },
  { kind: "void" },
  { kind: "unknown", text: "zorder" },
  { kind: "bucket", numBuckets: 2 },
  { kind: "bucket", numBuckets: 5 },
  { kind: "truncate", width: 1 },
  { kind: "truncate", width: 2 },
  { kind: "truncate", width: 10 },
  { kind: "year" },
  { kind: "month" },
  { kind: "day" },
  { kind: "hour" },
];

/** Specs of up to three fields over any columns. */
export function specs(): fc.Arbitrary<PartitionSpec> {
  const pairs = COLUMNS.flatMap((c) =>
    TRANSFORMS.filter((t) => t.kind === "unknown" || canTransform(t, c.type)).map((t) => ({ c, t }))
  );
  return fc.uniqueArray(fc.constantFrom(...pairs), { maxLength: 3 }).map((chosen) => ({
    specId: 7,
    fields: chosen.map(({ c, t }, i): PartitionField => ({
      sourceIds: [c.id],
      fieldId: 1000 + i,
      name: `p${i}`,
      transform: t,
    })),
  }));
}

/** The partition tuple of a row. `buggy` rounds times before 1970 up, as Iceberg 0.10 did. */
export function partitionOf(row: Row, spec: PartitionSpec, buggy = false): IcebergValue[] {
  return spec.fields.map(({ sourceIds: [sourceId], transform }) => {
    const source = COLUMNS.find((c) => c.id === sourceId);
    if (source === undefined || transform.kind === "unknown") return null;
    const value = row.get(source.id) ?? null;
    const result = applyTransform(transform, source.type, value);
    const isTime = ["year", "month", "day", "hour"].includes(transform.kind) &&
      !(transform.kind === "day" && source.type.kind === "date");
    return buggy && isTime && typeof result === "number" && result < 0 ? result + 1 : result;
  });
}

/** Rows grouped by partition. */
export function groupByPartition(
  all: readonly Row[],
  tupleOf: (row: Row) => IcebergValue[],
): readonly { readonly partition: IcebergValue[]; readonly rows: readonly Row[] }[] {
  const groups = new Map<string, { partition: IcebergValue[]; rows: Row[] }>();
  for (const row of all) {
    const partition = tupleOf(row);
    const key = partition.map((v) => v instanceof Uint8Array ? v.toHex() : `${typeof v}${v}`)
      .join();
    const group = groups.get(key) ?? { partition, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What a writer chooses to record. */
export interface MetricsStyle {
  readonly counts: boolean;
  readonly nanCounts: boolean;
  readonly bounds: boolean;
  /** Cut string and binary bounds to this many code points or bytes; 0 for none. */
  readonly truncate: number;
  /** Count nested columns only where their struct is present, as ORC does. */
  readonly skipNullStructs: boolean;
}

/** Any choice. */
export function metricsStyles(): fc.Arbitrary<MetricsStyle> {
  return fc.record({
    counts: fc.boolean(),
    nanCounts: fc.boolean(),
    bounds: fc.boolean(),
    truncate: fc.constantFrom(0, 1, 2),
    skipNullStructs: fc.boolean(),
  });
}

/** A file with true metrics of its rows. */
export function dataFile(
  fileRows: readonly Row[],
  partition: readonly IcebergValue[],
  style: MetricsStyle,
): DataFile {
  const metrics = COLUMNS.map((c) => {
    const nested = c.name.startsWith("st.") && style.skipNullStructs;
    const cells = fileRows.map((row) => row.get(c.id) ?? null)
      // A required column of a null struct, or any of its columns, is not there at all.
      .filter((value) => !(nested && value === null));
    const present = cells.filter((value) => value !== null);
    const numbers = present.filter((value) => !Number.isNaN(value))
      .sort((a, b) => compareValues(c.type, a, b));
    return { c, cells, present, numbers };
  });
  const mapOf = <T>(enabled: boolean, of: (m: typeof metrics[number]) => T | null) =>
    enabled
      ? new Map(metrics.flatMap((m) => {
        const value = of(m);
        return value === null ? [] : [[m.c.id, value] as const];
      }))
      : null;
  const floating = (m: typeof metrics[number]) =>
    m.c.type.kind === "double" || m.c.type.kind === "float";
  return {
    ...EMPTY_FILE,
    partition,
    recordCount: fileRows.length,
    valueCounts: mapOf(style.counts, (m) => m.cells.length),
    nullValueCounts: mapOf(style.counts, (m) => m.cells.length - m.present.length),
    nanValueCounts: mapOf(
      style.nanCounts,
      (m) => floating(m) ? m.present.length - m.numbers.length : null,
    ),
    lowerBounds: mapOf(style.bounds, (m) => lowerBound(m.c.type, m.numbers[0], style.truncate)),
    upperBounds: mapOf(style.bounds, (m) => upperBound(m.c.type, m.numbers.at(-1), style.truncate)),
  };
}

/** A data file that records nothing. */
export const EMPTY_FILE: DataFile = {
  content: "data",
  filePath: "file.parquet",
  fileFormat: "parquet",
  specId: 7,
  partition: [],
  recordCount: 0,
  fileSizeInBytes: 1,
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
  equalityIds: null,
  sortOrderId: null,
  firstRowId: null,
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
};

/** A manifest of files with these partitions. */
export function manifestOf(
  partitions: readonly (readonly IcebergValue[])[],
  spec: PartitionSpec,
  style: { readonly nan: boolean },
): ManifestFile {
  const summaries = spec.fields.map((partitionField, position): FieldSummary => {
    const source = COLUMNS.find((c) => c.id === partitionField.sourceIds[0]);
    const type = transformResultType(partitionField.transform, source?.type ?? { kind: "unknown" });
    const values = partitions.map((partition) => partition[position] ?? null);
    const numbers = values.filter((v) => v !== null && !Number.isNaN(v))
      .sort((a, b) => compareValues(type as PrimitiveType, a, b));
    const encode = (v: IcebergValue | undefined) =>
      v === undefined || type.kind === "unknown" ? null : encodeValue(type as PrimitiveType, v);
    return {
      containsNull: values.includes(null),
      containsNan: style.nan ? values.some((v) => Number.isNaN(v)) : null,
      lowerBound: encode(numbers[0]),
      upperBound: encode(numbers.at(-1)),
    };
  });
  return { ...EMPTY_MANIFEST, partitions: summaries };
}

/** A manifest that says nothing of its files. */
export const EMPTY_MANIFEST: ManifestFile = {
  manifestPath: "m.avro",
  manifestLength: 1,
  partitionSpecId: 7,
  content: "data",
  sequenceNumber: 1n,
  minSequenceNumber: 1n,
  addedSnapshotId: 1n,
  addedFilesCount: 1,
  existingFilesCount: 0,
  deletedFilesCount: 0,
  addedRowsCount: 1,
  existingRowsCount: 0,
  deletedRowsCount: 0,
  partitions: null,
  keyMetadata: null,
  firstRowId: null,
};

/** Reads a row as matchers do. */
export function valueOf(row: Row, ref: BoundReference): IcebergValue {
  return row.get(ref.fieldId) ?? null;
}

function lowerBound(type: PrimitiveType, value: IcebergValue | undefined, truncate: number) {
  if (value === undefined) return null;
  if (truncate > 0 && typeof value === "string" && type.kind === "string") {
    return encodeValue(type, [...value].slice(0, truncate).join(""));
  }
  if (truncate > 0 && value instanceof Uint8Array) return value.slice(0, truncate);
  return encodeValue(type, value);
}

/** Truncated upper bounds are raised by one at their last place, or left out where none is higher. */
function upperBound(type: PrimitiveType, value: IcebergValue | undefined, truncate: number) {
  if (value === undefined) return null;
  if (truncate > 0 && typeof value === "string" && type.kind === "string") {
    const points = [...value];
    if (points.length <= truncate) return encodeValue(type, value);
    for (let i = truncate - 1; i >= 0; i--) {
      const next = (points[i]?.codePointAt(0) ?? 0) + 1;
      if (next > 0x10ffff || (next >= 0xd800 && next <= 0xdfff)) continue;
      return encodeValue(type, points.slice(0, i).join("") + String.fromCodePoint(next));
    }
    return null;
  }
  if (truncate > 0 && value instanceof Uint8Array && value.length > truncate) {
    for (let i = truncate - 1; i >= 0; i--) {
      const byte = value[i] ?? 255;
      if (byte < 255) return Uint8Array.from([...value.slice(0, i), byte + 1]);
    }
    return null;
  }
  return encodeValue(type, value);
}
