/** Updates of partition specs and sort orders (spec: "Partition Evolution", "Sorting"). */
import type { PartitionField, PartitionSpec } from "../spec/partition_spec.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import {
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  type TableMetadata,
} from "../spec/table_metadata.ts";
import { canTransform, formatTransform, type Transform } from "../spec/transform.ts";
import { edited, invalidUpdate, type MetadataDraft, nextId, type UpdateOf } from "./_draft.ts";
import { isSameDerivation, isSameOrder, isSameSpec } from "./same_parts.ts";
import { LAST_ADDED } from "./table_update.ts";

/** The lowest id of a partition field. */
export const FIRST_PARTITION_FIELD_ID = 1_000;
/** The sort order that does not sort. */
export const UNSORTED_ORDER_ID = 0;

/** `add-spec`: a spec that splits as a known one keeps the known id and field ids. */
export function addSpec(draft: MetadataDraft, { spec }: UpdateOf<"add-spec">): MetadataDraft {
  const { metadata } = draft;
  const { partitionSpecs } = metadata;
  const known = partitionSpecs.find((one) => isSameSpec(one, spec));
  if (known !== undefined) return { ...draft, lastSpecId: known.specId };
  checkNewSpec(metadata, spec);
  const specId = nextId(partitionSpecs.map((one) => one.specId), 0);
  if (draft.retiredSpecIds.has(specId)) {
    throw invalidUpdate(
      `Cannot add a partition spec in the commit that removes spec ${specId}: it would take over ` +
        "that id; add it in a commit of its own",
    );
  }
  const fieldIds = spec.fields.map((field) => field.fieldId);
  return {
    ...edited(draft, {
      partitionSpecs: [...partitionSpecs, { ...spec, specId }],
      lastPartitionId: Math.max(metadata.lastPartitionId, ...fieldIds),
    }),
    lastSpecId: specId,
  };
}

/** `set-default-spec`. */
export function setDefaultSpec(
  draft: MetadataDraft,
  update: UpdateOf<"set-default-spec">,
): MetadataDraft {
  const specId = update.specId === LAST_ADDED ? draft.lastSpecId : update.specId;
  if (specId === null) {
    throw invalidUpdate("Cannot set the default spec to the last added one: none was added");
  }
  const { defaultSpecId, partitionSpecs } = draft.metadata;
  if (specId === defaultSpecId) return draft;
  if (!partitionSpecs.some((spec) => spec.specId === specId)) {
    throw invalidUpdate(`Cannot set the default spec to ${specId}: the table has no such spec`);
  }
  return edited(draft, { defaultSpecId: specId });
}

/** `remove-partition-specs`: ids that the table does not have are passed over. */
export function removeSpecs(
  draft: MetadataDraft,
  { specIds }: UpdateOf<"remove-partition-specs">,
): MetadataDraft {
  const { partitionSpecs, defaultSpecId } = draft.metadata;
  if (specIds.includes(defaultSpecId)) {
    throw invalidUpdate(`Cannot remove partition spec ${defaultSpecId}: it is the default one`);
  }
  const left = partitionSpecs.filter((spec) => !specIds.includes(spec.specId));
  if (left.length === partitionSpecs.length) return draft;
  const retiredSpecIds = draft.retiredSpecIds.union(new Set(specIds));
  return { ...edited(draft, { partitionSpecs: left }), retiredSpecIds };
}

/** `add-sort-order`: an order that sorts as a known one keeps the known id; 0 does not sort. */
export function addSortOrder(
  draft: MetadataDraft,
  { sortOrder }: UpdateOf<"add-sort-order">,
): MetadataDraft {
  const { sortOrders } = draft.metadata;
  const known = sortOrders.find((one) => isSameOrder(one, sortOrder));
  if (known !== undefined) return { ...draft, lastOrderId: known.orderId };
  const unsorted = sortOrder.fields.length === 0;
  const orderId = unsorted ? UNSORTED_ORDER_ID : nextId(sortOrders.map((one) => one.orderId), 1);
  checkSources(sortOrder.fields, { schema: currentSchema(draft.metadata), what: "sort order" });
  return {
    ...edited(draft, { sortOrders: [...sortOrders, { ...sortOrder, orderId }] }),
    lastOrderId: orderId,
  };
}

/** `set-default-sort-order`. */
export function setDefaultSortOrder(
  draft: MetadataDraft,
  update: UpdateOf<"set-default-sort-order">,
): MetadataDraft {
  const orderId = update.sortOrderId === LAST_ADDED ? draft.lastOrderId : update.sortOrderId;
  if (orderId === null) {
    throw invalidUpdate("Cannot set the default sort order to the last added one: none was added");
  }
  const { defaultSortOrderId, sortOrders } = draft.metadata;
  if (orderId === defaultSortOrderId) return draft;
  if (!sortOrders.some((order) => order.orderId === orderId)) {
    throw invalidUpdate(
      `Cannot set the default sort order to ${orderId}: the table has no such order`,
    );
  }
  return edited(draft, { defaultSortOrderId: orderId });
}

/**
 * The default spec and order must fit the current schema, or nothing could be written. Transforms
 * that drls does not know pass as long as their columns are there.
 */
export function checkDefaultsFit(metadata: TableMetadata): void {
  const schema = currentSchema(metadata);
  checkDefault(defaultSpec(metadata).fields, { schema, what: "default partition spec" });
  checkDefault(defaultSortOrder(metadata).fields, { schema, what: "default sort order" });
}

type Derived = Pick<PartitionField, "sourceIds"> & { readonly transform: Transform };

interface SourcePlace {
  readonly schema: Schema;
  /** What derives from the column, for errors. */
  readonly what: string;
}

function checkNewSpec(metadata: TableMetadata, spec: PartitionSpec): void {
  const { formatVersion, partitionSpecs } = metadata;
  checkSources(spec.fields, { schema: currentSchema(metadata), what: "partition spec" });
  const names = new Set<string>();
  const ids = new Set<number>();
  spec.fields.forEach(({ name, fieldId }, index) => {
    if (names.has(name) || ids.has(fieldId)) {
      throw invalidUpdate(
        `Cannot add a partition spec: field "${name}" (${fieldId}) has the name or id of another`,
      );
    }
    names.add(name);
    ids.add(fieldId);
    // Readers of v1 count ids from 1000, whatever is written (spec: "Partition Evolution").
    if (formatVersion === 1 && fieldId !== FIRST_PARTITION_FIELD_ID + index) {
      throw invalidUpdate(
        `Cannot add a partition spec: field "${name}" has id ${fieldId}, but in format version 1 ` +
          `the ids are consecutive from ${FIRST_PARTITION_FIELD_ID}`,
      );
    }
  });
  if (formatVersion > 1) { for (const field of spec.fields) checkFieldId(field, partitionSpecs); }
}

/** Manifests of several specs are read as one table: an id stands for one derivation for ever. */
function checkFieldId(field: PartitionField, specs: readonly PartitionSpec[]): void {
  const holders = specs.flatMap((spec) =>
    spec.fields.filter((one) => one.fieldId === field.fieldId)
  );
  // Dropping a field in v1 left a void one with its id behind.
  const agrees = (one: PartitionField) =>
    isSameDerivation(one, field) || one.transform.kind === "void" ||
    field.transform.kind === "void";
  if (holders.length === 0 || holders.some(agrees)) return;
  throw invalidUpdate(
    `Cannot add a partition spec: id ${field.fieldId} of field "${field.name}" belongs to ` +
      `another field of the table; take one above the last assigned`,
  );
}

function checkDefault(fields: readonly Derived[], place: SourcePlace): void {
  const isKnown = (field: Derived) => field.transform.kind !== "unknown";
  checkSources(fields.filter(isKnown), place);
  for (const { sourceIds, transform } of fields.filter((field) => !isKnown(field))) {
    for (const id of sourceIds) sourceOf(id, { ...place, text: formatTransform(transform) });
  }
}

function checkSources(
  fields: readonly Derived[],
  { schema, what }: SourcePlace,
): void {
  for (const { sourceIds, transform } of fields) {
    if (transform.kind === "void") continue;
    for (const id of sourceIds) {
      const text = formatTransform(transform);
      const source = sourceOf(id, { schema, what, text });
      if (!canTransform(transform, source.field.type)) {
        throw invalidUpdate(
          `Cannot use a ${what} by "${text}" of column "${source.name}": ` +
            `the transform does not take type ${source.field.type.kind}`,
        );
      }
      if (isInCollection(schema, source.parentId)) {
        throw invalidUpdate(
          `Cannot use a ${what} by column "${source.name}": it lies inside a list or map`,
        );
      }
    }
  }
}

function sourceOf(
  id: number,
  { schema, what, text }: SourcePlace & { readonly text: string },
): FieldPath {
  const source = schema.findById(id);
  if (source !== undefined) return source;
  throw invalidUpdate(
    `Cannot use a ${what} by "${text}" of column ${id}: the current schema has no such column`,
  );
}

function isInCollection(schema: Schema, parentId: number | null): boolean {
  for (let id = parentId; id !== null;) {
    const parent = schema.findById(id);
    if (parent === undefined) return false;
    if (parent.field.type.kind !== "struct") return true;
    id = parent.parentId;
  }
  return false;
}
