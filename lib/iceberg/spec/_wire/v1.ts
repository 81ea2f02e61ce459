/** Table metadata of format v1, with everything that its early writers left out. */
import type { JsonOutput } from "../../../json.ts";
import { currentSchema, defaultSpec, type TableMetadata } from "../table_metadata.ts";
import {
  readCommon,
  readLastPartitionId,
  readPartitionSpecs,
  readSchemas,
  readSortOrders,
  readUuid,
  writeCommon,
} from "./every_version.ts";
import { readPartitionFields, writePartitionFields } from "./partition_spec.ts";
import type { WireObject } from "./reader.ts";
import { readSchema, writeSchema } from "./schema.ts";

/**
 * Reads v1. `schema` and `partition-spec` count only where the lists that replaced them are absent
 * or empty; writers of the lists keep both in step. There are no sequence numbers in v1.
 */
export function readV1(wire: WireObject): TableMetadata {
  const { partitionSpecs, defaultSpecId } = readSpecs(wire);
  return {
    ...readCommon(wire, 1),
    ...readSchemasOrSchema(wire),
    ...readSortOrders(wire),
    formatVersion: 1,
    tableUuid: readUuid(wire),
    lastSequenceNumber: 0n,
    partitionSpecs,
    defaultSpecId,
    lastPartitionId: readLastPartitionId(wire, partitionSpecs),
    nextRowId: null,
  };
}

/** Writes v1, with the deprecated fields that v1 readers rely on. */
export function writeV1(metadata: TableMetadata): Record<string, JsonOutput> {
  return writeCommon(metadata, {
    schema: writeSchema(currentSchema(metadata)),
    "partition-spec": writePartitionFields(defaultSpec(metadata)),
  });
}

function readSchemasOrSchema(
  wire: WireObject,
): Pick<TableMetadata, "schemas" | "currentSchemaId"> {
  const schemas = wire.has("schemas") ? readSchemas(wire) : [];
  if (schemas.length > 0) {
    return {
      schemas,
      currentSchemaId: wire.optional("current-schema-id", (key) => wire.int(key)) ?? 0,
    };
  }
  const schema = readSchema(wire.object("schema"));
  return { schemas: [schema], currentSchemaId: schema.schemaId };
}

function readSpecs(wire: WireObject): Pick<TableMetadata, "partitionSpecs" | "defaultSpecId"> {
  const partitionSpecs = wire.has("partition-specs") ? readPartitionSpecs(wire) : [];
  if (partitionSpecs.length > 0) {
    return {
      partitionSpecs,
      defaultSpecId: wire.optional("default-spec-id", (key) => wire.int(key)) ?? 0,
    };
  }
  const fields = wire.has("partition-spec") ? readPartitionFields(wire, "partition-spec") : [];
  return { partitionSpecs: [{ specId: 0, fields }], defaultSpecId: 0 };
}
