/** Partition specs as metadata writes them (spec Appendix C, "Partition Specs"). */
import { AppError } from "../../../errors.ts";
import type { JsonOutput } from "../../../json.ts";
import type { PartitionField, PartitionSpec } from "../partition_spec.ts";
import { formatTransform, parseTransform, type Transform } from "../transform.ts";
import { MAX_NAME_LENGTH, MAX_SPEC_FIELDS } from "./limits.ts";
import { describe, type WireObject } from "./reader.ts";

const SPEC_KEYS: ReadonlySet<string> = new Set(["spec-id", "fields"]);
const FIELD_KEYS: ReadonlySet<string> = new Set([
  "source-id",
  "source-ids",
  "field-id",
  "name",
  "transform",
]);
/** The id that v1 writers, which did not write ids, counted from (spec "Partition Evolution"). */
export const FIRST_PARTITION_FIELD_ID = 1_000;

/** Reads a spec object. */
export function readPartitionSpec(wire: WireObject): PartitionSpec {
  return {
    specId: wire.int("spec-id"),
    fields: readPartitionFields(wire, "fields"),
    ...wire.extra(SPEC_KEYS),
  };
}

/** Reads a bare list of partition fields, as v1's `partition-spec` is. */
export function readPartitionFields(wire: WireObject, key: string): PartitionField[] {
  const wires = wire.objects(key, MAX_SPEC_FIELDS);
  const numbered = wires.filter((field) => field.has("field-id")).length;
  if (numbered !== 0 && numbered !== wires.length) {
    throw wire.problem(key, `has ${wires.length - numbered} fields without a "field-id"`);
  }
  const ids = new Set<number>();
  const names = new Set<string>();
  return wires.map((fieldWire, index) => {
    const field = readPartitionField(fieldWire, FIRST_PARTITION_FIELD_ID + index);
    if (ids.has(field.fieldId)) {
      throw fieldWire.problem("field-id", `is ${field.fieldId}, which another field has too`);
    }
    if (names.has(field.name)) {
      throw fieldWire.problem("name", `is ${describe(field.name)}, which another field has too`);
    }
    ids.add(field.fieldId);
    names.add(field.name);
    return field;
  });
}

/** Inverse of {@linkcode readPartitionSpec}. */
export function writePartitionSpec(spec: PartitionSpec): JsonOutput {
  return { ...spec.extra, "spec-id": spec.specId, fields: writePartitionFields(spec) };
}

/** Inverse of {@linkcode readPartitionFields}. */
export function writePartitionFields(spec: PartitionSpec): JsonOutput {
  return spec.fields.map((field) => ({
    ...field.extra,
    name: field.name,
    transform: formatTransform(field.transform),
    ...writeSources(field.sourceIds),
    "field-id": field.fieldId,
  }));
}

/** One source as `source-id`, several as v3's `source-ids`; either is read in every version. */
export function readSources(wire: WireObject): number[] {
  if (!wire.has("source-ids")) return [wire.int("source-id")];
  const sourceIds = wire.ints("source-ids");
  if (sourceIds.length === 0) throw wire.problem("source-ids", "is empty");
  return sourceIds;
}

/** Inverse of {@linkcode readSources}. */
export function writeSources(sourceIds: readonly number[]): Record<string, JsonOutput> {
  const [sourceId = null] = sourceIds;
  return sourceIds.length === 1 ? { "source-id": sourceId } : { "source-ids": sourceIds };
}

/** Reads a transform; a width that cannot be is a problem of its path. */
export function readTransform(wire: WireObject): Transform {
  try {
    return parseTransform(wire.shortText("transform", MAX_NAME_LENGTH));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw wire.problem("transform", `is no transform: ${error.message}`);
  }
}

function readPartitionField(wire: WireObject, defaultId: number): PartitionField {
  return {
    sourceIds: readSources(wire),
    // Ids below 1000 occur in tables of old v1 writers.
    fieldId: wire.optional("field-id", (key) => wire.int(key)) ?? defaultId,
    name: wire.shortText("name", MAX_NAME_LENGTH),
    transform: readTransform(wire),
    ...wire.extra(FIELD_KEYS),
  };
}
