/** Evolution of a schema as text, for tests: what goes in and what comes out reads as DDL. */
import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../../../lib/errors.ts";
import { parsePartitionFields } from "../../../../lib/iceberg/ddl/parse_partition_fields.ts";
import { parseSortFields } from "../../../../lib/iceberg/ddl/parse_sort_order.ts";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import type { EvolvingTable, SchemaChange } from "../../../../lib/iceberg/evolve/schema_change.ts";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import type { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";

/** What the table around a schema looks like; nothing unless said. */
export interface Around {
  readonly version?: FormatVersion;
  /** Specs by their fields, the last of which is the default. */
  readonly specs?: readonly (readonly string[])[];
  readonly sortOrder?: readonly string[];
  readonly lastColumnId?: number;
}

/** A table around a schema. */
export function tableAround(schema: Schema, around: Around = {}): EvolvingTable {
  const { version = 2, specs = [[]], sortOrder = [], lastColumnId } = around;
  const fields = parseSortFields(sortOrder, schema);
  const order = { orderId: fields.length === 0 ? 0 : 1, fields };
  return {
    formatVersion: version,
    lastColumnId: lastColumnId ?? schema.highestFieldId(),
    partitionSpecs: specs.map((texts, specId) => ({
      ...parsePartitionFields(texts, schema),
      specId,
    })),
    defaultSpecId: specs.length - 1,
    sortOrders: [order],
    defaultSortOrderId: order.orderId,
  };
}

/** An add with the parts that most tests leave out. */
export function add(
  name: string,
  type: string,
  more: Partial<SchemaChange & { kind: "add" }> = {},
): SchemaChange {
  return { kind: "add", name, type: parseSqlType(type), required: false, doc: null, ...more };
}

/** Evolves a schema and gives its columns with ids, nested ones too: `5 place.zip string`. */
export function evolve(
  schema: Schema,
  changes: readonly SchemaChange[],
  around: Around = {},
): readonly string[] {
  return columnsOf(updateSchema(schema, changes, tableAround(schema, around)).schema);
}

/** `id name type`, `!` for required; structs and collections without what is in them. */
export function columnsOf(schema: Schema): readonly string[] {
  return [...schema.allFields()].map(({ field, name }) => {
    const { kind } = field.type;
    return `${field.id} ${name}${field.required ? "!" : ""} ${kind}`;
  });
}

/** Asserts that changes are refused, with the part that is at fault. */
export function refuses(
  schema: Schema,
  changes: readonly SchemaChange[],
  expected: {
    readonly kind?: ErrorKind;
    readonly code: string;
    readonly part?: string;
    readonly message: RegExp;
    readonly around?: Around;
  },
): void {
  const { kind = "invalid", code, part, message, around = {} } = expected;
  assert.throws(() => updateSchema(schema, changes, tableAround(schema, around)), (error) => {
    assert(error instanceof AppError, String(error));
    assert.deepEqual({ kind: error.kind, code: error.code }, { kind, code }, error.message);
    assert.match(error.message, message);
    if (part !== undefined) assert.equal(error.issues[0]?.path, part);
    return true;
  });
}
