/**
 * The row that manifest entries are decoded into, one object for a whole manifest, and the sink of
 * each field. Fields that the writer lacks keep the default that the specification gives them.
 */
import type { IcebergValue } from "../spec/types.ts";
import {
  AvroTypeMismatch,
  compileBigint,
  compileBytes,
  compileList,
  compileNumber,
  compileText,
} from "../avro/compile_field.ts";
import { compileRecord, type Sink, type Step } from "../avro/compile_record.ts";
import type { Reader } from "../avro/compile_value.ts";
import type { AvroCursor } from "../avro/cursor.ts";
import type { AvroType } from "../avro/schema.ts";
import type { DataFile } from "./data_file.ts";
import { DATA_FILE_FIELD, ENTRY_FIELD } from "./field_ids.ts";
import { compileBounds, compileCounts, type MetricMap } from "./metric_map.ts";
import { compileTuple, type PartitionFieldRef } from "./partition_tuple.ts";

/** One decoded entry, before inheritance. Overwritten by the next one. */
export class EntryRow {
  status = 0;
  snapshotId: bigint | null = null;
  sequenceNumber: bigint | null = null;
  fileSequenceNumber: bigint | null = null;
  content: DataFile["content"] = "data";
  filePath = "";
  fileFormat = "";
  partition: readonly IcebergValue[] = [];
  recordCount = 0;
  fileSizeInBytes = 0;
  columnSizes: MetricMap<number> | null = null;
  valueCounts: MetricMap<number> | null = null;
  nullValueCounts: MetricMap<number> | null = null;
  nanValueCounts: MetricMap<number> | null = null;
  lowerBounds: MetricMap<Uint8Array> | null = null;
  upperBounds: MetricMap<Uint8Array> | null = null;
  keyMetadata: Uint8Array | null = null;
  splitOffsets: readonly number[] | null = null;
  equalityIds: readonly number[] | null = null;
  sortOrderId: number | null = null;
  firstRowId: bigint | null = null;
  referencedDataFile: string | null = null;
  contentOffset: number | null = null;
  contentSizeInBytes: number | null = null;
}

/** A field of {@linkcode EntryRow} that can be decoded. */
export type EntryColumn = keyof EntryRow;

const CONTENTS = ["data", "position_deletes", "equality_deletes"] as const;
const FORMATS = ["parquet", "avro", "orc", "puffin"].map((name) => ({
  name,
  bytes: new TextEncoder().encode(name),
}));
const LOWER_CASE_BIT = 0x20;

/** The step for a whole entry that decodes `columns` and skips the rest. */
export function compileEntry(
  type: AvroType,
  options: {
    readonly columns: ReadonlySet<EntryColumn>;
    readonly partitionFields: readonly PartitionFieldRef[];
  },
): Step<EntryRow> {
  if (type.kind !== "record") throw new AvroTypeMismatch("a manifest_entry record", type);
  const file = type.fields.find((field) => field.fieldId === ENTRY_FIELD.dataFile)?.type;
  if (file?.kind !== "record") throw new AvroTypeMismatch("a data_file record", file ?? type);
  const fileSinks = pick(DATA_FILE_FIELD, {
    ...fileFieldSinks,
    partition: (inner) => {
      const read = compileTuple(inner, options.partitionFields);
      return (cursor, row) => row.partition = read(cursor);
    },
  }, options.columns);
  const sinks = pick(ENTRY_FIELD, entryFieldSinks, options.columns);
  sinks.set(ENTRY_FIELD.dataFile, () => compileRecord(file, fileSinks));
  requireFields(type.fields, [ENTRY_FIELD.status], type);
  const { filePath, fileFormat, recordCount, fileSizeInBytes, partition } = DATA_FILE_FIELD;
  requireFields(file.fields, [filePath, fileFormat, recordCount, fileSizeInBytes, partition], file);
  return compileRecord(type, sinks);
}

type Sinks = { readonly [column in EntryColumn]?: Sink<EntryRow> };

function pick(
  fieldIds: { readonly [name: string]: number },
  sinks: Sinks,
  columns: ReadonlySet<EntryColumn>,
): Map<number, Sink<EntryRow>> {
  const picked = new Map<number, Sink<EntryRow>>();
  for (const column of columns) {
    const fieldId = fieldIds[column];
    const sink = sinks[column];
    if (fieldId !== undefined && sink !== undefined) picked.set(fieldId, sink);
  }
  return picked;
}

function requireFields(
  fields: readonly { readonly fieldId: number | null }[],
  required: readonly number[],
  type: AvroType,
): void {
  for (const id of required) {
    if (!fields.some((field) => field.fieldId === id)) {
      throw new AvroTypeMismatch(`a record with field ${id}`, type);
    }
  }
}

// One closure a field, written out: a shared helper that assigns by name would make each store
// megamorphic, which costs more than decoding the value.
const entryFieldSinks: Sinks = {
  status: (type) => {
    const read = required(compileNumber(type), "status");
    return (cursor, row) => row.status = read(cursor);
  },
  snapshotId: (type) => {
    const read = compileBigint(type);
    return (cursor, row) => row.snapshotId = read(cursor);
  },
  sequenceNumber: (type) => {
    const read = compileBigint(type);
    return (cursor, row) => row.sequenceNumber = read(cursor);
  },
  fileSequenceNumber: (type) => {
    const read = compileBigint(type);
    return (cursor, row) => row.fileSequenceNumber = read(cursor);
  },
};

const fileFieldSinks: Sinks = {
  content: (type) => {
    const read = compileNumber(type);
    return (cursor, row) => {
      // A null content is a v1 file under a v2 schema: data.
      const code = read(cursor) ?? 0;
      row.content = CONTENTS[code] ??
        cursor.fail("manifest_malformed", `a file has the unknown content ${code}`);
    };
  },
  filePath: (type) => {
    const read = required(compileText(type), "file_path");
    return (cursor, row) => row.filePath = read(cursor);
  },
  fileFormat: (type) => {
    if (type.kind !== "string") throw new AvroTypeMismatch("string", type);
    return (cursor, row) => row.fileFormat = readFileFormat(cursor);
  },
  recordCount: (type) => {
    const read = count(compileNumber(type), "record_count");
    return (cursor, row) => row.recordCount = read(cursor);
  },
  fileSizeInBytes: (type) => {
    const read = count(compileNumber(type), "file_size_in_bytes");
    return (cursor, row) => row.fileSizeInBytes = read(cursor);
  },
  columnSizes: (type) => {
    const read = compileCounts(type);
    return (cursor, row) => row.columnSizes = read(cursor);
  },
  valueCounts: (type) => {
    const read = compileCounts(type);
    return (cursor, row) => row.valueCounts = read(cursor);
  },
  nullValueCounts: (type) => {
    const read = compileCounts(type);
    return (cursor, row) => row.nullValueCounts = read(cursor);
  },
  nanValueCounts: (type) => {
    const read = compileCounts(type);
    return (cursor, row) => row.nanValueCounts = read(cursor);
  },
  lowerBounds: (type) => {
    const read = compileBounds(type);
    return (cursor, row) => row.lowerBounds = read(cursor);
  },
  upperBounds: (type) => {
    const read = compileBounds(type);
    return (cursor, row) => row.upperBounds = read(cursor);
  },
  keyMetadata: (type) => {
    const read = compileBytes(type);
    return (cursor, row) => row.keyMetadata = read(cursor);
  },
  splitOffsets: (type) => {
    const read = compileNumbers(type, "split_offsets");
    return (cursor, row) => row.splitOffsets = read(cursor);
  },
  equalityIds: (type) => {
    // The specification says list of int; PyIceberg declares long.
    const read = compileNumbers(type, "equality_ids");
    return (cursor, row) => row.equalityIds = read(cursor);
  },
  sortOrderId: (type) => {
    const read = compileNumber(type);
    return (cursor, row) => row.sortOrderId = read(cursor);
  },
  firstRowId: (type) => {
    const read = compileBigint(type);
    return (cursor, row) => row.firstRowId = read(cursor);
  },
  referencedDataFile: (type) => {
    const read = compileText(type);
    return (cursor, row) => row.referencedDataFile = read(cursor);
  },
  contentOffset: (type) => {
    const read = compileNumber(type);
    return (cursor, row) => row.contentOffset = read(cursor);
  },
  contentSizeInBytes: (type) => {
    const read = compileNumber(type);
    return (cursor, row) => row.contentSizeInBytes = read(cursor);
  },
};

function required<T>(read: Reader<T | null>, field: string): Reader<T> {
  return (cursor) => read(cursor) ?? cursor.fail("manifest_malformed", `a "${field}" is null`);
}

function count(read: Reader<number | null>, field: string): Reader<number> {
  return (cursor) => {
    const value = read(cursor);
    if (value !== null && value >= 0) return value;
    return cursor.fail("manifest_malformed", `a "${field}" is ${value}, wanted a count`);
  };
}

function compileNumbers(type: AvroType, field: string): Reader<readonly number[] | null> {
  return compileList(type, (items) => required(compileNumber(items), field));
}

/** The format's lower-case name; the known ones without building a string per file. */
function readFileFormat(cursor: AvroCursor): string {
  const start = cursor.pos;
  const length = cursor.readLength();
  const at = cursor.pos;
  for (const { name, bytes } of FORMATS) {
    if (bytes.length !== length) continue;
    let index = 0;
    while (index < length && (cursor.bytes[at + index]! | LOWER_CASE_BIT) === bytes[index]) index++;
    if (index === length) {
      cursor.pos = at + length;
      return name;
    }
  }
  cursor.pos = start;
  return cursor.readString().toLowerCase();
}
