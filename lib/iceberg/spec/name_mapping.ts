/**
 * Name mappings (spec "Column Projection", Appendix C): field ids for data files that carry none, as
 * files do that were imported from Hive.
 */
import { type JsonValue, parseJson } from "../../json.ts";
import { MAX_SCHEMA_FIELDS, MAX_TYPE_DEPTH } from "./_wire/limits.ts";
import {
  describe,
  isArray,
  readWire,
  WireObject,
  type WirePath,
  WireProblem,
} from "./_wire/reader.ts";

/** The table property that holds the mapping as JSON. */
export const NAME_MAPPING_PROPERTY = "schema.name-mapping.default";

/** One field of a mapping. */
export interface MappedField {
  /** Null for a field that files have and the schema has not. */
  readonly fieldId: number | null;
  /** Every name that files use for it; a dot is part of a name. */
  readonly names: readonly string[];
  /** Struct fields by their names, `element` of a list, `key` and `value` of a map. */
  readonly fields: readonly MappedField[];
}

/** A mapping, indexed by name at every level. */
export class NameMapping {
  readonly fields: readonly MappedField[];
  readonly #levels: ReadonlyMap<readonly MappedField[], ReadonlyMap<string, MappedField>>;

  /** Takes fields whose names are unique at each level, as {@linkcode parseNameMapping} checks. */
  constructor(fields: readonly MappedField[]) {
    this.fields = fields;
    const levels = new Map<readonly MappedField[], ReadonlyMap<string, MappedField>>();
    indexLevel(fields, levels);
    this.#levels = levels;
  }

  /** The field at a path of names as a data file has them: `["location", "lat"]`. */
  find(path: readonly string[]): MappedField | undefined {
    let level: readonly MappedField[] | undefined = this.fields;
    let field: MappedField | undefined;
    for (const name of path) {
      field = level === undefined ? undefined : this.#levels.get(level)?.get(name);
      level = field?.fields;
    }
    return field;
  }

  /** The id of the field at a path of names; null where the mapping gives none. */
  fieldId(path: readonly string[]): number | null {
    return this.find(path)?.fieldId ?? null;
  }
}

/**
 * Parses the value of {@linkcode NAME_MAPPING_PROPERTY}. Throws `corrupt_data` (code
 * `invalid_name_mapping`) that names the path of the first problem.
 */
export function parseNameMapping(text: string): NameMapping {
  return readWire(() => {
    const budget = { fields: 0 };
    return new NameMapping(readLevel(parseJson(text), { path: null, depth: 0, budget }));
  }, { code: "invalid_name_mapping", what: `the table property "${NAME_MAPPING_PROPERTY}"` });
}

/** A table's mapping; null where its properties have none. */
export function nameMappingOf(properties: Readonly<Record<string, string>>): NameMapping | null {
  const text = properties[NAME_MAPPING_PROPERTY];
  return text === undefined ? null : parseNameMapping(text);
}

interface Level {
  readonly path: WirePath | null;
  readonly depth: number;
  /** Fields read so far in the whole mapping. */
  readonly budget: { fields: number };
}

function readLevel(items: JsonValue | undefined, level: Level): MappedField[] {
  const { path, depth, budget } = level;
  if (!isArray(items)) throw new WireProblem(path, `is ${describe(items)}, not a list`);
  if (depth > MAX_TYPE_DEPTH) {
    throw new WireProblem(path, `is nested deeper than ${MAX_TYPE_DEPTH} levels`);
  }
  budget.fields += items.length;
  if (budget.fields > MAX_SCHEMA_FIELDS) {
    throw new WireProblem(path, `makes more than ${MAX_SCHEMA_FIELDS} fields`);
  }
  const taken = new Set<string>();
  return items.map((item, step) => {
    const wire = new WireObject(item, { parent: path, step });
    const field = readMappedField(wire, level);
    for (const name of field.names) {
      if (taken.has(name)) {
        throw wire.problem("names", `has ${describe(name)}, which another field has too`);
      }
      taken.add(name);
    }
    return field;
  });
}

function readMappedField(wire: WireObject, { depth, budget }: Level): MappedField {
  return {
    fieldId: wire.optional("field-id", (key) => wire.int(key)),
    // A name may be listed twice for the same field.
    names: wire.has("names") ? [...new Set(wire.texts("names"))] : [],
    fields: wire.has("fields")
      ? readLevel(wire.get("fields"), {
        path: wire.at("fields"),
        depth: depth + 1,
        budget,
      })
      : [],
  };
}

function indexLevel(
  fields: readonly MappedField[],
  levels: Map<readonly MappedField[], ReadonlyMap<string, MappedField>>,
): void {
  levels.set(fields, new Map(fields.flatMap((field) => field.names.map((name) => [name, field]))));
  for (const field of fields) if (field.fields.length > 0) indexLevel(field.fields, levels);
}
