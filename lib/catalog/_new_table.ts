/** The first metadata of a table that hadoop and sql catalogs create themselves. */
import { AppError } from "../errors.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import { parseTableMetadata } from "../iceberg/spec/parse_table_metadata.ts";
import type { PartitionSpec } from "../iceberg/spec/partition_spec.ts";
import { Schema } from "../iceberg/spec/schema.ts";
import { serializeTableMetadata } from "../iceberg/spec/serialize_table_metadata.ts";
import type { SortOrder } from "../iceberg/spec/sort_order.ts";
import type { TableMetadata } from "../iceberg/spec/table_metadata.ts";
import type { NestedField, Type } from "../iceberg/spec/types.ts";
import type { TableDefinition } from "./ports.ts";

/** Ids of partition fields start here (spec: "Partition Specs"). */
const FIRST_PARTITION_FIELD_ID = 1_000;

/** What the definition leaves to the catalog. */
export interface NewTableOptions {
  readonly location: string;
  readonly tableUuid: string;
  readonly nowMs: number;
}

/**
 * Metadata without snapshots, with ids assigned anew as Java and PyIceberg do. A definition that
 * makes no valid table is `invalid`, code `table_definition_invalid`.
 */
export function newTableMetadata(
  definition: TableDefinition,
  options: NewTableOptions,
): TableMetadata {
  const { formatVersion, properties } = definition;
  const ids = new FreshIds(definition);
  const schema = ids.schema();
  const spec = ids.spec();
  const sortOrder = ids.sortOrder();
  const metadata: TableMetadata = {
    formatVersion,
    tableUuid: options.tableUuid,
    location: options.location,
    lastSequenceNumber: 0n,
    lastUpdatedMs: options.nowMs,
    lastColumnId: schema.highestFieldId(),
    schemas: [schema],
    currentSchemaId: schema.schemaId,
    partitionSpecs: [spec],
    defaultSpecId: spec.specId,
    lastPartitionId: FIRST_PARTITION_FIELD_ID + spec.fields.length - 1,
    sortOrders: [sortOrder],
    defaultSortOrderId: sortOrder.orderId,
    properties: { ...properties },
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: formatVersion === 3 ? 0n : null,
    encryptionKeys: [],
    extra: {},
  };
  requireReadable(metadata, definition);
  return metadata;
}

/** Nobody could open a table whose first metadata breaks the specification; so none is created. */
function requireReadable(metadata: TableMetadata, definition: TableDefinition): void {
  try {
    const bytes = new TextEncoder().encode(serializeTableMetadata(metadata));
    parseTableMetadata(bytes, { location: formatIdentifier(definition.identifier) });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw definitionInvalid(definition, cause.message, cause);
  }
}

function definitionInvalid(definition: TableDefinition, reason: string, cause?: unknown): AppError {
  const name = formatIdentifier(definition.identifier);
  const message = `Cannot create table "${name}": its definition is not valid: ${reason}`;
  return new AppError("invalid", "table_definition_invalid", message, { cause });
}

/** Numbers the fields of each struct before those nested in them, as other writers do. */
class FreshIds {
  readonly #definition: TableDefinition;
  readonly #fresh = new Map<number, number>();
  #last = 0;

  constructor(definition: TableDefinition) {
    this.#definition = definition;
  }

  schema(): Schema {
    const { schema } = this.#definition;
    const fields = this.#fields(schema.fields);
    const identifierFieldIds = schema.identifierFieldIds.map((id) => this.#freshOf(id));
    return new Schema({ schemaId: 0, fields, identifierFieldIds });
  }

  spec(): PartitionSpec {
    const fields = this.#definition.spec.fields.map((field, index) => ({
      ...field,
      fieldId: FIRST_PARTITION_FIELD_ID + index,
      sourceIds: field.sourceIds.map((id) => this.#freshOf(id)),
    }));
    return { specId: 0, fields };
  }

  sortOrder(): SortOrder {
    const fields = this.#definition.sortOrder.fields.map((field) => ({
      ...field,
      sourceIds: field.sourceIds.map((id) => this.#freshOf(id)),
    }));
    // Order 0 is reserved for "unsorted".
    return { orderId: fields.length === 0 ? 0 : 1, fields };
  }

  #fields(fields: readonly NestedField[]): NestedField[] {
    const ids = fields.map((field) => this.#assign(field.id));
    return fields.map((field, index) => ({
      ...field,
      id: ids[index] ?? 0,
      type: this.#type(field.type),
    }));
  }

  #type(type: Type): Type {
    switch (type.kind) {
      case "struct":
        return { ...type, fields: this.#fields(type.fields) };
      case "list": {
        const elementId = this.#assign(type.elementId);
        return { ...type, elementId, element: this.#type(type.element) };
      }
      case "map": {
        const keyId = this.#assign(type.keyId);
        const valueId = this.#assign(type.valueId);
        return {
          ...type,
          keyId,
          valueId,
          key: this.#type(type.key),
          value: this.#type(type.value),
        };
      }
      default:
        return type;
    }
  }

  #assign(id: number): number {
    this.#last++;
    if (this.#fresh.has(id)) {
      throw definitionInvalid(this.#definition, `two of its fields have the id ${id}`);
    }
    this.#fresh.set(id, this.#last);
    return this.#last;
  }

  #freshOf(id: number): number {
    const fresh = this.#fresh.get(id);
    if (fresh !== undefined) return fresh;
    throw definitionInvalid(this.#definition, `no field of its schema has the id ${id}`);
  }
}
