/** Table metadata of format v2: lists of everything, sequence numbers, a required UUID. */
import type { JsonOutput } from "../../../json.ts";
import type { FormatVersion, TableMetadata } from "../table_metadata.ts";
import {
  readCommon,
  readLastPartitionId,
  readPartitionSpecs,
  readSchemas,
  readSortOrders,
  readUuid,
  writeCommon,
} from "./every_version.ts";
import type { WireObject } from "./reader.ts";

/** Reads v2. */
export function readV2(wire: WireObject): TableMetadata {
  return readSequenced(wire, 2);
}

/** Writes v2. */
export function writeV2(metadata: TableMetadata): Record<string, JsonOutput> {
  return writeCommon(metadata, { "last-sequence-number": metadata.lastSequenceNumber });
}

/** Reads what v2 and v3 share. The deprecated `schema` and `partition-spec` are not looked at. */
export function readSequenced(wire: WireObject, version: FormatVersion): TableMetadata {
  const partitionSpecs = readPartitionSpecs(wire);
  const tableUuid = readUuid(wire);
  if (tableUuid === null) throw wire.problem("table-uuid", "is missing, expected a UUID");
  return {
    ...readCommon(wire, version),
    ...readSortOrders(wire),
    formatVersion: version,
    tableUuid,
    lastSequenceNumber: wire.long("last-sequence-number"),
    schemas: readSchemas(wire),
    currentSchemaId: wire.int("current-schema-id"),
    partitionSpecs,
    defaultSpecId: wire.int("default-spec-id"),
    lastPartitionId: readLastPartitionId(wire, partitionSpecs),
    nextRowId: null,
  };
}
