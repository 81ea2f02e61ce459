/**
 * When two schemas, specs or orders are the same but for their ids: then the known one is used
 * again instead of a copy of it (REST specification, `AddSchemaUpdate` and its kin).
 */
import { stringifyJson } from "../../json.ts";
import { schemaToJson } from "../spec/metadata_parts.ts";
import type { PartitionField, PartitionSpec } from "../spec/partition_spec.ts";
import { Schema } from "../spec/schema.ts";
import type { SortOrder } from "../spec/sort_order.ts";
import { formatTransform } from "../spec/transform.ts";

/** Whether both have the same fields, to the last default and comment, and identify rows alike. */
export function isSameSchema(a: Schema, b: Schema): boolean {
  return a.fields.length === b.fields.length && schemaKey(a) === schemaKey(b);
}

/** Whether both split tables alike. Field ids may differ: the known spec's ids count then. */
export function isSameSpec(a: PartitionSpec, b: PartitionSpec): boolean {
  return specKey(a) === specKey(b);
}

/** Whether both sort alike. */
export function isSameOrder(a: SortOrder, b: SortOrder): boolean {
  return orderKey(a) === orderKey(b);
}

/** Whether both derive the same value, so that one id may stand for both. */
export function isSameDerivation(a: PartitionField, b: PartitionField): boolean {
  return formatTransform(a.transform) === formatTransform(b.transform) &&
    a.sourceIds.join() === b.sourceIds.join();
}

function schemaKey({ fields, identifierFieldIds }: Schema): string {
  const ids = identifierFieldIds.toSorted((a, b) => a - b);
  return stringifyJson(schemaToJson(new Schema({ schemaId: 0, fields, identifierFieldIds: ids })));
}

function specKey({ fields }: PartitionSpec): string {
  return JSON.stringify(
    fields.map(({ sourceIds, name, transform }) => [sourceIds, name, formatTransform(transform)]),
  );
}

function orderKey({ fields }: SortOrder): string {
  return JSON.stringify(
    fields.map(({ sourceIds, transform, direction, nullOrder }) => [
      sourceIds,
      formatTransform(transform),
      direction,
      nullOrder,
    ]),
  );
}
