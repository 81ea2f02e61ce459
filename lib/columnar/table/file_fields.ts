/**
 * The fields of a data file with their Iceberg ids: from the file, or through the table's name
 * mapping where the file carries none (spec "Column Projection").
 */
import { type Field, type Schema as ArrowSchema, Type } from "apache-arrow";
import { type AppError, corruptData, displayPath } from "../../errors.ts";
import { NAME_MAPPING_PROPERTY, type NameMapping } from "../../iceberg/spec/name_mapping.ts";
import { fieldIdOf } from "../arrow/arrow_schema.ts";

/** A field of a file. */
export interface FileField {
  /** Null where neither file nor mapping gives one: nothing can ask for it. */
  readonly id: number | null;
  readonly field: Field;
  /** Fields of a struct; the element of a list; key and value of a map. */
  readonly children: readonly FileField[];
}

/** Options of {@linkcode fileFields}. */
export interface FileFieldsOptions {
  /** The table's mapping, null where it has none. */
  readonly nameMapping: NameMapping | null;
  /** The file, for messages. */
  readonly location: string;
}

/** The fields of a file's schema. A file without any id needs a mapping (`corrupt_data` else). */
export function fileFields(
  schema: ArrowSchema,
  options: FileFieldsOptions,
): readonly FileField[] {
  const { nameMapping, location } = options;
  // Ids are all or none: a mapping never mixes with ids of the file, which may mean other fields.
  if (hasIds(schema.fields)) return schema.fields.map((field) => ownIds(field));
  if (nameMapping === null && schema.fields.length > 0) throw noIds(location);
  return schema.fields.map((field) => mappedIds(field, [field.name], nameMapping));
}

function ownIds(field: Field): FileField {
  return {
    id: fieldIdOf(field),
    field,
    children: membersOf(field).map(({ field }) => ownIds(field)),
  };
}

function mappedIds(
  field: Field,
  path: readonly string[],
  mapping: NameMapping | null,
): FileField {
  const children = membersOf(field).map((member) =>
    mappedIds(member.field, [...path, member.name], mapping)
  );
  return { id: mapping?.fieldId(path) ?? null, field, children };
}

/** Members by the names that mappings use: `element`, `key`, `value`, whatever the file says. */
function membersOf(field: Field): readonly { name: string; field: Field }[] {
  const children: readonly Field[] = field.type.children ?? [];
  switch (field.typeId) {
    case Type.Struct:
      return children.map((child) => ({ name: child.name, field: child }));
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
      return children.map((child) => ({ name: "element", field: child }));
    case Type.Map: {
      const [key, value]: readonly Field[] = children[0]?.type.children ?? [];
      if (key === undefined || value === undefined) return [];
      return [{ name: "key", field: key }, { name: "value", field: value }];
    }
    default:
      return [];
  }
}

function hasIds(fields: readonly Field[]): boolean {
  return fields.some((field) =>
    fieldIdOf(field) !== null || hasIds(membersOf(field).map((member) => member.field))
  );
}

function noIds(location: string): AppError {
  return corruptData(
    "field_ids_missing",
    `Cannot read "${displayPath(location)}": it carries no field ids; ` +
      `set the table property "${NAME_MAPPING_PROPERTY}"`,
    { context: { location } },
  );
}
