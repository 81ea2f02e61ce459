/** Rules for columns that are new, by creation of a table or by evolution. */
import type { NestedField, Type } from "../spec/types.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";

/** Longest name of one field, in characters; what is longer no reader takes. */
const MAX_NAME_CHARS = 4_096;
/** The format version that brought each type that v1 does not have. */
const SINCE_V3: ReadonlySet<Type["kind"]> = new Set<Type["kind"]>([
  "timestamp_ns",
  "timestamptz_ns",
  "unknown",
  "variant",
  "geometry",
  "geography",
]);
/** Columns that engines show beside the table's own (spec "Reserved Field IDs"). */
const METADATA_COLUMNS: ReadonlySet<string> = new Set([
  "_file",
  "_pos",
  "_deleted",
  "_spec_id",
  "_partition",
  "_row_id",
  "_last_updated_sequence_number",
]);

/** Why a field may not have this name, null where it may. */
export function nameProblem(
  name: string,
  place: { readonly topLevel: boolean },
): string | null {
  if (name === "") return "the name is empty";
  if (name.length > MAX_NAME_CHARS) return `the name is longer than ${MAX_NAME_CHARS} characters`;
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (/[\x00-\x1f\x7f]/.test(name)) return "the name has control characters";
  if (place.topLevel && METADATA_COLUMNS.has(name)) {
    return "engines show metadata under that name, choose another";
  }
  return null;
}

/**
 * A field of the same name, whatever the case: Spark could not tell the two apart, so drls does not
 * make such pairs, although the specification would allow them.
 */
export function findAlike(
  siblings: readonly NestedField[],
  name: string,
): NestedField | undefined {
  const folded = name.toLowerCase();
  return siblings.find((field) => field.name.toLowerCase() === folded);
}

/** Why a column of this type cannot be, null where it can. `name` is its full name. */
export function typeProblem(
  type: Type,
  place: { readonly name: string; readonly version: FormatVersion; readonly required: boolean },
): string | null {
  const { name, version, required } = place;
  if (SINCE_V3.has(type.kind) && version < 3) {
    return `${name} is ${type.kind}, which takes format version 3 and this is ${version}`;
  }
  if (type.kind === "unknown" && required) {
    return `${name} is unknown, which is null always, and cannot be required`;
  }
  switch (type.kind) {
    case "struct":
      return structProblem(type.fields, { name, version });
    case "list": {
      const element = { name: `${name}.element`, version, required: type.elementRequired };
      return typeProblem(type.element, element);
    }
    case "map":
      return typeProblem(type.key, { name: `${name}.key`, version, required: true }) ??
        typeProblem(type.value, { name: `${name}.value`, version, required: type.valueRequired });
    default:
      return null;
  }
}

function structProblem(
  fields: readonly NestedField[],
  { name, version }: { readonly name: string; readonly version: FormatVersion },
): string | null {
  if (fields.length === 0) return `${name} is a struct without fields, which no file can hold`;
  for (const [i, field] of fields.entries()) {
    const siblings = fields.slice(0, i);
    const full = `${name}.${field.name}`;
    const problem = nameProblem(field.name, { topLevel: false });
    if (problem !== null) return `of ${full} ${problem}`;
    const alike = findAlike(siblings, field.name);
    if (alike !== undefined) return `${full} and ${name}.${alike.name} have the same name`;
    const inner = typeProblem(field.type, { name: full, version, required: field.required });
    if (inner !== null) return inner;
  }
  return null;
}
