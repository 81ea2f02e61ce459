/** Partition evolution as a function of values (spec "Partition Evolution"). */
import { AppError, type ErrorKind } from "../../errors.ts";
import { defaultPartitionName } from "../ddl/parse_partition_fields.ts";
import type { PartitionField, PartitionSpec } from "../spec/partition_spec.ts";
import type { Schema } from "../spec/schema.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { canTransform, formatTransform, type Transform } from "../spec/transform.ts";

/** One step of partition evolution. */
export type SpecChange =
  | {
    readonly kind: "add";
    readonly sourceId: number;
    readonly transform: Transform;
    /** Null for the name that the reference implementation gives: `id_bucket_16`. */
    readonly name: string | null;
  }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "rename"; readonly name: string; readonly newName: string };

/** What a table says that its spec has to fit. */
export type RepartitionedTable = Pick<
  TableMetadata,
  "formatVersion" | "partitionSpecs" | "defaultSpecId" | "lastPartitionId"
>;

/** What became of a spec. */
export interface EvolvedSpec {
  /** With a free id; the id of an equal spec of the table is for whoever adds it to find. */
  readonly spec: PartitionSpec;
  readonly lastPartitionId: number;
  readonly changed: boolean;
}

/**
 * Applies changes in order to the default spec. A field that any spec of the table had before gets
 * its id back; in v1, where ids are places, a removed field stays as a `void` one.
 *
 * Errors: `not_found`/`partition_field_not_found`, `already_exists`/`partition_field_exists`,
 * `invalid`/`invalid_partition`, `unsupported`/`unknown_transform`.
 */
export function updateSpec(
  schema: Schema,
  changes: readonly SpecChange[],
  table: RepartitionedTable,
): EvolvedSpec {
  const base = table.partitionSpecs.find((one) => one.specId === table.defaultSpecId);
  if (base === undefined) throw new TypeError("Cannot evolve a spec that the table does not have");
  const odd = base.fields.find(({ transform }) => transform.kind === "unknown");
  if (odd !== undefined) {
    throw refusal(`field "${odd.name}" has a transform that is not known here`, {
      kind: "unsupported",
      code: "unknown_transform",
    });
  }
  const editor = new SpecEditor(schema, base, table);
  for (const change of changes) editor.apply(change);
  return editor.result();
}

/** A spec in the middle of its changes. */
class SpecEditor {
  readonly #schema: Schema;
  readonly #base: PartitionSpec;
  readonly #table: RepartitionedTable;
  #fields: readonly PartitionField[];
  #lastPartitionId: number;

  constructor(schema: Schema, base: PartitionSpec, table: RepartitionedTable) {
    this.#schema = schema;
    this.#base = base;
    this.#table = table;
    this.#fields = base.fields;
    this.#lastPartitionId = table.lastPartitionId;
  }

  apply(change: SpecChange): void {
    switch (change.kind) {
      case "add":
        return this.#add(change);
      case "remove":
        return this.#remove(change.name);
      case "rename":
        return this.#rename(change.name, change.newName);
    }
  }

  result(): EvolvedSpec {
    const ids = this.#table.partitionSpecs.map(({ specId }) => specId);
    const changed = this.#fields !== this.#base.fields;
    return {
      spec: changed ? { specId: Math.max(...ids) + 1, fields: this.#fields } : this.#base,
      lastPartitionId: this.#lastPartitionId,
      changed,
    };
  }

  #add({ sourceId, transform, name: wanted }: SpecChange & { kind: "add" }): void {
    const source = this.#schema.findById(sourceId);
    if (source === undefined || !canTransform(transform, source.field.type)) {
      const column = source === undefined ? `field ${sourceId}` : `column "${source.name}"`;
      throw refusal(`${formatTransform(transform)} is not defined for ${column}`, INVALID);
    }
    const redundant = this.#fields.find((field) =>
      isRedundant(field, { sourceId, transform, isNew: !this.#base.fields.includes(field) })
    );
    if (redundant !== undefined) {
      throw refusal(`"${source.name}" is split by "${redundant.name}" already`, EXISTS);
    }
    const known = this.#recycled(sourceId, transform, wanted);
    const name = wanted ?? known?.name ?? addedName(transform, source.name);
    this.#freeName(name, { sourceId, transform });
    const fieldId = known?.fieldId ?? ++this.#lastPartitionId;
    this.#fields = [...this.#fields, { sourceIds: [sourceId], fieldId, name, transform }];
  }

  /** A field of an earlier spec that split alike: manifests of both specs are read as one table. */
  #recycled(
    sourceId: number,
    transform: Transform,
    name: string | null,
  ): PartitionField | undefined {
    if (this.#table.formatVersion === 1) return undefined;
    const text = formatTransform(transform);
    const used = new Set(this.#fields.map(({ fieldId }) => fieldId));
    return this.#table.partitionSpecs.flatMap(({ fields }) => fields).find((field) =>
      field.sourceIds.length === 1 && field.sourceIds[0] === sourceId && !used.has(field.fieldId) &&
      formatTransform(field.transform) === text && (name === null || field.name === name)
    );
  }

  #remove(name: string): void {
    const field = this.#find(name);
    this.#fields = this.#table.formatVersion === 1
      ? this.#fields.map((one) => one === field ? { ...one, transform: { kind: "void" } } : one)
      : this.#fields.filter((one) => one !== field);
  }

  #rename(name: string, newName: string): void {
    const field = this.#find(name);
    if (name === newName) return;
    const [sourceId = 0] = field.sourceIds;
    this.#freeName(newName, { sourceId, transform: field.transform });
    this.#fields = this.#fields.map((one) =>
      one.fieldId === field.fieldId ? { ...one, name: newName } : one
    );
  }

  #find(name: string): PartitionField {
    const field = this.#fields.find((one) => one.name === name && one.transform.kind !== "void");
    if (field !== undefined) return field;
    throw refusal(`it has no field "${name}"`, {
      kind: "not_found",
      code: "partition_field_not_found",
    });
  }

  /** A void field that holds the name makes room for the new one. */
  #freeName(
    name: string,
    field: { readonly sourceId: number; readonly transform: Transform },
  ): void {
    if (name === "") throw refusal("the name of a field is empty", INVALID);
    const column = this.#schema.findByName(name);
    const own = field.transform.kind === "identity" && column?.field.id === field.sourceId;
    if (column !== undefined && !own) {
      throw refusal(`a column is called "${name}", give the field another name`, EXISTS);
    }
    const holder = this.#fields.find((one) => one.name === name);
    if (holder === undefined) return;
    if (holder.transform.kind !== "void") {
      throw refusal(`another field is called "${name}", give this one another name`, EXISTS);
    }
    const retired = { ...holder, name: `${name}_${holder.fieldId}` };
    this.#fields = this.#fields.map((one) => one === holder ? retired : one);
  }
}

const INVALID = { kind: "invalid", code: "invalid_partition" } as const;
const EXISTS = { kind: "already_exists", code: "partition_field_exists" } as const;

/**
 * Each transform once for a column. Units of time do not add up either, but one may stand beside
 * that of an earlier spec until that is removed, as in the reference implementation.
 */
function isRedundant(
  field: PartitionField,
  { sourceId, transform, isNew }: {
    readonly sourceId: number;
    readonly transform: Transform;
    readonly isNew: boolean;
  },
): boolean {
  if (!field.sourceIds.includes(sourceId)) return false;
  if (isNew && isTime(field.transform) && isTime(transform)) return true;
  return formatTransform(field.transform) === formatTransform(transform);
}

function isTime({ kind }: Transform): boolean {
  return kind === "year" || kind === "month" || kind === "day" || kind === "hour";
}

/** The names that the reference implementation gives to fields that are added later. */
function addedName(transform: Transform, column: string): string {
  switch (transform.kind) {
    case "bucket":
      return `${column}_bucket_${transform.numBuckets}`;
    case "truncate":
      return `${column}_trunc_${transform.width}`;
    default:
      return defaultPartitionName(transform, column);
  }
}

function refusal(
  why: string,
  { kind, code }: { readonly kind: ErrorKind; readonly code: string },
): AppError {
  return new AppError(kind, code, `Cannot change the partition spec: ${why}`);
}
