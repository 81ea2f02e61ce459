/**
 * The Arrow form of Iceberg schemas: one Arrow type for each Iceberg type, field ids in the metadata
 * of every field, nested ones included. All batches between readers and writers have this form.
 */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Null,
  Schema as ArrowSchema,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  Utf8,
} from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";

/** The key of field metadata under which Parquet writers and readers keep field ids. */
export const FIELD_ID_KEY = "PARQUET:field_id";

/** Stands for an id where a file has none; the Arrow field carries none then. */
export const NO_FIELD_ID = -1;

/** The zone of `timestamptz` columns: Iceberg stores instants in UTC. */
export const UTC = "UTC";

/** The Arrow schema of a table's rows, with field ids. */
export function arrowSchema(schema: Pick<Schema, "fields">): ArrowSchema {
  return new ArrowSchema(schema.fields.map(arrowField));
}

/** The Arrow field of a column: nullable where it is optional. */
export function arrowField(field: NestedField): Field {
  return member(field);
}

/** The Arrow type of values of `type`; `variant` is `unsupported`. */
export function arrowType(type: Type): DataType {
  switch (type.kind) {
    case "boolean":
      return new Bool();
    case "int":
      return new Int32();
    case "long":
      return new Int64();
    case "float":
      return new Float32();
    case "double":
      return new Float64();
    case "decimal":
      return new Decimal(type.scale, type.precision, 128);
    case "date":
      return new DateDay();
    case "time":
      return new TimeMicrosecond();
    case "timestamp":
      return new TimestampMicrosecond();
    case "timestamptz":
      return new TimestampMicrosecond(UTC);
    case "timestamp_ns":
      return new TimestampNanosecond();
    case "timestamptz_ns":
      return new TimestampNanosecond(UTC);
    case "string":
      return new Utf8();
    case "uuid":
      return new FixedSizeBinary(16);
    case "fixed":
      return new FixedSizeBinary(type.length);
    case "binary":
    case "geometry":
    case "geography":
      return new Binary();
    case "unknown":
      return new Null();
    case "variant":
      throw new AppError("unsupported", "type_unsupported", "Cannot hold variant values in rows");
    case "struct":
      return new Struct(type.fields.map(arrowField));
    case "list":
      return new List(member({
        id: type.elementId,
        name: "element",
        required: type.elementRequired,
        type: type.element,
      }));
    case "map": {
      const key = member({ id: type.keyId, name: "key", required: true, type: type.key });
      const value = member({
        id: type.valueId,
        name: "value",
        required: type.valueRequired,
        type: type.value,
      });
      const fields: Field[] = [key, value];
      return new Map_(new Field("entries", new Struct<Entries>(fields), false));
    }
  }
}

/** The field id that an Arrow field carries; null for none or one that is no integer. */
export function fieldIdOf(field: Field): number | null {
  const text = field.metadata.get(FIELD_ID_KEY);
  if (text === undefined || !/^-?\d{1,10}$/.test(text)) return null;
  return Number(text);
}

type Entries = { key: DataType; value: DataType };

function member(field: Pick<NestedField, "id" | "name" | "required" | "type">): Field {
  const metadata = new Map(field.id === NO_FIELD_ID ? [] : [[FIELD_ID_KEY, String(field.id)]]);
  return new Field(field.name, arrowType(field.type), !field.required, metadata);
}
