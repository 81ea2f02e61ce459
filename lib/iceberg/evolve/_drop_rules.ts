/** When a column may not be dropped. */
import type { FieldPath, Schema } from "../spec/schema.ts";
import type { AppError } from "../../errors.ts";
import { refuseMapKey, shown, structOf } from "./_places.ts";
import { evolutionError, type EvolvingTable } from "./schema_change.ts";

/**
 * Refuses to drop what the table cannot do without. Sources of earlier partition specs may go, as in
 * the reference implementation: files of those specs keep their partition values, and readers find
 * the column's type in the schemas that had it.
 */
export function refuseDrop(schema: Schema, column: FieldPath, table: EvolvingTable): void {
  refuseMapKey(schema, column.field.id, "drop");
  const struct = structOf(schema, column);
  if (struct === null) {
    throw refusal(column, "a list or map keeps its elements and values", "fixed_name");
  }
  if (struct.fields.length === 1) {
    throw refusal(column, `it is the only one of ${struct.title}`, "last_column");
  }
  const gone = idsInside(schema, column);
  const identifier = schema.identifierFieldIds.find((id) => gone.has(id));
  if (identifier !== undefined) {
    throw inUse(column, `${nameOf(schema, identifier)} identifies rows`);
  }
  const spec = table.partitionSpecs.find((one) => one.specId === table.defaultSpecId);
  const partitioned = spec?.fields.find(({ transform, sourceIds }) =>
    transform.kind !== "void" && sourceIds.some((id) => gone.has(id))
  );
  if (partitioned !== undefined) {
    throw inUse(
      column,
      `the table is partitioned by ${shown(partitioned.name)}, which comes from it`,
    );
  }
  const order = table.sortOrders.find((one) => one.orderId === table.defaultSortOrderId);
  const key = order?.fields.flatMap(({ sourceIds }) => sourceIds).find((id) => gone.has(id));
  if (key !== undefined) throw inUse(column, `the table is sorted by ${nameOf(schema, key)}`);
}

/** The column's id and those of everything inside it. */
function idsInside(schema: Schema, column: FieldPath): ReadonlySet<number> {
  const inside = new Set([column.field.id]);
  // Depth first: parents come before their children.
  for (const { field, parentId } of schema.allFields()) {
    if (parentId !== null && inside.has(parentId)) inside.add(field.id);
  }
  return inside;
}

function nameOf(schema: Schema, id: number): string {
  return shown(schema.findById(id)?.name ?? `#${id}`);
}

function refusal(column: FieldPath, why: string, code: string): AppError {
  const message = `Cannot drop column "${shown(column.name)}": ${why}`;
  return evolutionError(message, { code, part: "name" });
}

function inUse(column: FieldPath, why: string): AppError {
  const message = `Cannot drop column "${shown(column.name)}": ${why}`;
  return evolutionError(message, { kind: "conflict", code: "column_in_use", part: "name" });
}
