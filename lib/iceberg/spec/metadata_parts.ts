/**
 * The JSON of single parts of table metadata (spec Appendix C): manifests carry a schema and
 * partition fields in their header, and REST catalogs take parts in commits.
 *
 * Every reader throws `corrupt_data` (code `invalid_metadata_part`) that names the first problem.
 */
import type { JsonOutput, JsonValue } from "../../json.ts";
import {
  readPartitionFields,
  readPartitionSpec,
  writePartitionFields,
  writePartitionSpec,
} from "./_wire/partition_spec.ts";
import { readWire, WireObject } from "./_wire/reader.ts";
import { readSchema, writeSchema } from "./_wire/schema.ts";
import { readSnapshot, writeRef, writeSnapshot } from "./_wire/snapshot.ts";
import { readSortOrder, writeSortOrder } from "./_wire/sort_order.ts";
import { writePartitionStatisticsFile, writeStatisticsFile } from "./_wire/statistics.ts";
import type { PartitionField, PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import type { Snapshot, SnapshotRef } from "./snapshot.ts";
import type { SortOrder } from "./sort_order.ts";
import type { PartitionStatisticsFile, StatisticsFile } from "./statistics.ts";
import type { FormatVersion } from "./table_metadata.ts";

/** Reads a schema. */
export function schemaFromJson(json: JsonValue): Schema {
  return read("a schema", () => readSchema(new WireObject(json)));
}

/** Inverse of {@linkcode schemaFromJson}. */
export function schemaToJson(schema: Schema): JsonOutput {
  return writeSchema(schema);
}

/** Reads a partition spec, an object with its id. */
export function partitionSpecFromJson(json: JsonValue): PartitionSpec {
  return read("a partition spec", () => readPartitionSpec(new WireObject(json)));
}

/** Inverse of {@linkcode partitionSpecFromJson}. */
export function partitionSpecToJson(spec: PartitionSpec): JsonOutput {
  return writePartitionSpec(spec);
}

/** Reads a bare list of partition fields, as manifests carry it. */
export function partitionFieldsFromJson(json: JsonValue): PartitionField[] {
  return read(
    "partition fields",
    () => readPartitionFields(new WireObject({ fields: json }), "fields"),
  );
}

/** Inverse of {@linkcode partitionFieldsFromJson}. */
export function partitionFieldsToJson(spec: PartitionSpec): JsonOutput {
  return writePartitionFields(spec);
}

/** Reads a sort order. */
export function sortOrderFromJson(json: JsonValue): SortOrder {
  return read("a sort order", () => readSortOrder(new WireObject(json)));
}

/** Inverse of {@linkcode sortOrderFromJson}. */
export function sortOrderToJson(order: SortOrder): JsonOutput {
  return writeSortOrder(order);
}

/** Reads a snapshot of a table of this format version. */
export function snapshotFromJson(json: JsonValue, version: FormatVersion): Snapshot {
  return read("a snapshot", () => readSnapshot(new WireObject(json), version));
}

/** Inverse of {@linkcode snapshotFromJson}. */
export function snapshotToJson(snapshot: Snapshot, version: FormatVersion): JsonOutput {
  return writeSnapshot(snapshot, version);
}

/** Statistics of one snapshot, as metadata and REST commits write them. */
export function statisticsToJson(statistics: StatisticsFile): JsonOutput {
  return writeStatisticsFile(statistics);
}

/** Partition statistics of one snapshot, as metadata and REST commits write them. */
export function partitionStatisticsToJson(statistics: PartitionStatisticsFile): JsonOutput {
  return writePartitionStatisticsFile(statistics);
}

/** A reference without its name, as metadata and REST commits write it. */
export function snapshotRefToJson(ref: SnapshotRef): Readonly<Record<string, JsonOutput>> {
  return writeRef(ref);
}

function read<T>(what: string, parse: () => T): T {
  return readWire(parse, { code: "invalid_metadata_part", what });
}
