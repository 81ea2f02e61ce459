/** Reads manifest lists (spec: "Manifest Lists"), by field id, of every writer's version. */
import { corruptData, displayPath } from "../../errors.ts";
import {
  AvroTypeMismatch,
  compileBigint,
  compileBoolean,
  compileBytes,
  compileList,
  compileNumber,
  compileText,
} from "../avro/compile_field.ts";
import { compileRecord, type Sink, type Step } from "../avro/compile_record.ts";
import type { Reader } from "../avro/compile_value.ts";
import { openContainer, readBlocks } from "../avro/container.ts";
import { AvroCursor } from "../avro/cursor.ts";
import { parseAvroSchema } from "../avro/parse_schema.ts";
import type { AvroType } from "../avro/schema.ts";
import { FIELD_SUMMARY_FIELD, MANIFEST_FILE_FIELD } from "./field_ids.ts";
import { type FieldSummary, type ManifestFile, UNDESCRIBED_MANIFEST } from "./manifest_file.ts";
import { checkFormatVersion } from "./manifest_header.ts";

/** Options of {@linkcode readManifestList}. */
export interface ReadManifestListOptions {
  readonly location: string;
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** Manifests of one snapshot; real tables have thousands. */
export const MAX_MANIFESTS = 500_000;

/**
 * Times that manifests may be listed again in one list. Writers have been seen to do it once; more
 * would make one manifest the work of a million.
 */
export const MAX_REPEATED_MANIFESTS = 16;

const REQUIRED = ["manifestPath", "manifestLength", "partitionSpecId"] as const;

/**
 * The manifests of a snapshot. What v1 writers leave out gets the specification's defaults: content
 * `data`, sequence numbers 0, counts null.
 *
 * Throws `corrupt_data` (`avro_*`, `manifest_list_malformed`) or `unsupported`.
 */
export function readManifestList(
  bytes: Uint8Array,
  options: ReadManifestListOptions,
): readonly ManifestFile[] {
  const { location } = options;
  const container = openContainer(bytes, { location });
  checkFormatVersion(container);
  const type = parseAvroSchema(container.schemaText, { location });
  const step = compileManifestFile(type, location);
  const cursor = new AvroCursor(location);
  const manifests: ManifestFile[] = [];
  const paths = new Set<string>();
  for (const count of readBlocks(container, cursor)) {
    cursor.spendFreeSteps(count * type.freeSteps);
    if (manifests.length + count > MAX_MANIFESTS) {
      cursor.fail("avro_too_large", `it lists more than ${MAX_MANIFESTS} manifests`);
    }
    for (let left = count; left > 0; left--) {
      const manifest: Mutable<ManifestFile> = { ...UNDESCRIBED_MANIFEST };
      step(cursor, manifest);
      cursor.checkEnd();
      manifests.push(manifest);
      paths.add(manifest.manifestPath);
      if (manifests.length - paths.size > MAX_REPEATED_MANIFESTS) {
        const path = displayPath(manifest.manifestPath);
        cursor.fail("manifest_list_malformed", `it lists "${path}" and others again and again`);
      }
    }
  }
  return manifests;
}

function compileManifestFile(type: AvroType, location: string): Step<Mutable<ManifestFile>> {
  try {
    if (type.kind !== "record") throw new AvroTypeMismatch("a manifest_file record", type);
    for (const name of REQUIRED) {
      const id = MANIFEST_FILE_FIELD[name];
      if (!type.fields.some((field) => field.fieldId === id)) {
        throw new AvroTypeMismatch(`a record with field ${id}`, type);
      }
    }
    return compileRecord(type, sinksById);
  } catch (cause) {
    if (!(cause instanceof AvroTypeMismatch)) throw cause;
    throw corruptData(
      "manifest_list_malformed",
      `Cannot read manifest list "${displayPath(location)}": its Avro schema is not that of a ` +
        `manifest list, ${cause.message}`,
      { context: { location }, cause },
    );
  }
}

type Sinks = { readonly [name in keyof ManifestFile]: Sink<Mutable<ManifestFile>> };

const sinks: Sinks = {
  manifestPath: assign("manifestPath", (type) => required(compileText(type), "manifest_path")),
  manifestLength: assign("manifestLength", (type) => count(type, "manifest_length")),
  partitionSpecId: assign("partitionSpecId", (type) => count(type, "partition_spec_id")),
  content: assign("content", compileContent),
  sequenceNumber: assign("sequenceNumber", (type) => orZero(compileBigint(type))),
  minSequenceNumber: assign("minSequenceNumber", (type) => orZero(compileBigint(type))),
  addedSnapshotId: assign("addedSnapshotId", compileBigint),
  addedFilesCount: assign("addedFilesCount", (type) => optionalCount(type, "added_files_count")),
  existingFilesCount: assign(
    "existingFilesCount",
    (type) => optionalCount(type, "existing_files_count"),
  ),
  deletedFilesCount: assign(
    "deletedFilesCount",
    (type) => optionalCount(type, "deleted_files_count"),
  ),
  addedRowsCount: assign("addedRowsCount", (type) => optionalCount(type, "added_rows_count")),
  existingRowsCount: assign(
    "existingRowsCount",
    (type) => optionalCount(type, "existing_rows_count"),
  ),
  deletedRowsCount: assign("deletedRowsCount", (type) => optionalCount(type, "deleted_rows_count")),
  partitions: assign("partitions", (type) => compileList(type, compileFieldSummary)),
  keyMetadata: assign("keyMetadata", compileBytes),
  firstRowId: assign("firstRowId", compileBigint),
};

const sinksById: ReadonlyMap<number, Sink<Mutable<ManifestFile>>> = new Map(
  Object.entries(MANIFEST_FILE_FIELD).map(([name, id]) => [id, sinks[name as keyof ManifestFile]]),
);

function assign<Name extends keyof ManifestFile>(
  name: Name,
  compile: (type: AvroType) => Reader<ManifestFile[Name]>,
): Sink<Mutable<ManifestFile>> {
  return (type) => {
    const read = compile(type);
    return (cursor, manifest) => manifest[name] = read(cursor);
  };
}

function compileContent(type: AvroType): Reader<ManifestFile["content"]> {
  const read = compileNumber(type);
  return (cursor) => {
    const code = read(cursor) ?? 0;
    if (code !== 0 && code !== 1) {
      cursor.fail("manifest_list_malformed", `a manifest has the unknown content ${code}`);
    }
    return code === 0 ? "data" : "deletes";
  };
}

function compileFieldSummary(type: AvroType): Reader<FieldSummary> {
  if (type.kind !== "record") throw new AvroTypeMismatch("a field_summary record", type);
  const step = compileRecord(type, summarySinksById);
  return (cursor) => {
    const summary: Mutable<FieldSummary> = {
      containsNull: false,
      containsNan: null,
      lowerBound: null,
      upperBound: null,
    };
    step(cursor, summary);
    return summary;
  };
}

const summarySinksById = new Map<number, Sink<Mutable<FieldSummary>>>([
  [FIELD_SUMMARY_FIELD.containsNull, (type) => {
    const read = required(compileBoolean(type), "contains_null");
    return (cursor, summary) => summary.containsNull = read(cursor);
  }],
  [FIELD_SUMMARY_FIELD.containsNan, (type) => {
    const read = compileBoolean(type);
    return (cursor, summary) => summary.containsNan = read(cursor);
  }],
  [FIELD_SUMMARY_FIELD.lowerBound, (type) => {
    const read = compileBytes(type);
    return (cursor, summary) => summary.lowerBound = read(cursor);
  }],
  [FIELD_SUMMARY_FIELD.upperBound, (type) => {
    const read = compileBytes(type);
    return (cursor, summary) => summary.upperBound = read(cursor);
  }],
]);

function required<T>(read: Reader<T | null>, field: string): Reader<T> {
  return (cursor) => read(cursor) ?? cursor.fail("manifest_list_malformed", `a "${field}" is null`);
}

function orZero(read: Reader<bigint | null>): Reader<bigint> {
  return (cursor) => read(cursor) ?? 0n;
}

function optionalCount(type: AvroType, field: string): Reader<number | null> {
  const read = compileNumber(type);
  return (cursor) => {
    const value = read(cursor);
    if (value !== null && value < 0) {
      cursor.fail("manifest_list_malformed", `a "${field}" is ${value}, wanted a count`);
    }
    return value;
  };
}

function count(type: AvroType, field: string): Reader<number> {
  return required(optionalCount(type, field), field);
}
