/** A column as the API shows it: in the schema of a table, and in what changes of it answer. */
import { formatDefault } from "../../iceberg/ddl/column_default.ts";
import { formatSqlType } from "../../iceberg/ddl/format_sql_type.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import type { Column } from "./schemas.ts";

/** Describes one field of a struct. */
export function describeColumn(field: NestedField): Column {
  const { type, initialDefault, writeDefault } = field;
  const name = formatSqlType(type);
  const ddl = formatSqlType(type, { full: true });
  return {
    name: field.name,
    type: name,
    nullable: !field.required,
    comment: field.doc,
    id: field.id,
    ...(ddl === name ? {} : { ddl }),
    ...(isValue(writeDefault) ? { default: formatDefault(type, writeDefault) } : {}),
    ...(isValue(initialDefault) ? { initial_default: formatDefault(type, initialDefault) } : {}),
  };
}

/** A null default says what an absent one says (spec "Default values"). */
function isValue(value: IcebergValue | undefined): value is Exclude<IcebergValue, null> {
  return value !== undefined && value !== null;
}
