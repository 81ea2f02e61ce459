/** Batches as the encoder takes them: the columns of a write schema, in its Arrow form. */
import { type Data, RecordBatch, type Schema as ArrowSchema, Struct } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { NestedField, Type } from "../../../iceberg/spec/types.ts";
import { arrowSchema } from "../../arrow/arrow_schema.ts";
import { makeColumn, nullsOf, validityOf } from "../../arrow/layout.ts";
import type { WriteSchema } from "./parquet_schema.ts";

/** Brings batches of a table's rows into the form in which they are written. */
export class BatchConformer {
  readonly arrowSchema: ArrowSchema;
  readonly #fields: readonly NestedField[];
  readonly #given: ArrowSchema;

  /** `fields` are the table's. */
  constructor(fields: readonly NestedField[], schema: WriteSchema) {
    this.#fields = fields;
    this.#given = arrowSchema({ fields });
    this.arrowSchema = arrowSchema(schema.encoder);
  }

  /**
   * The batch without columns of type `unknown`. Nulls in a required column are `invalid` (code
   * `null_in_required_column`); a batch in another form is a `TypeError`.
   */
  conform(batch: RecordBatch): RecordBatch {
    const { children } = batch.data;
    const { fields } = this.#given;
    const isOurs = children.length === fields.length &&
      // By text: one type has classes for each of its units, which comparisons would tell apart.
      fields.every(({ type }, at) => String(type) === String(batch.schema.fields[at]!.type));
    if (!isOurs) {
      throw new TypeError(`Cannot write rows of ${batch.schema}: they are not of ${this.#given}`);
    }
    const columns = this.#fields.flatMap((field, at) => {
      if (field.type.kind === "unknown") return [];
      const column = children[at]!;
      if (field.required && nullsOf(column) > 0) throw nullInRequired(field.name);
      return [withoutUnknown(column, field.type)];
    });
    const type = new Struct(this.arrowSchema.fields);
    const data = makeColumn(type, { length: batch.numRows, children: columns });
    return new RecordBatch(this.arrowSchema, data);
  }
}

function withoutUnknown(data: Data, type: Type): Data {
  if (!holdsUnknown(type)) return data;
  const children = (types: readonly Type[]) =>
    types.flatMap((child, at) =>
      child.kind === "unknown" ? [] : [withoutUnknown(data.children[at]!, child)]
    );
  switch (type.kind) {
    case "struct":
      return withChildren(data, children(type.fields.map((field) => field.type)));
    case "list":
      return withChildren(data, children([type.element]));
    case "map": {
      const [entries] = data.children;
      const members = [type.key, type.value];
      const struct = { kind: "struct", fields: members.map(asField) } as const;
      return withChildren(data, [withoutUnknown(entries!, struct)]);
    }
    default:
      return data;
  }
}

function asField(type: Type): NestedField {
  const absent = { doc: null, initialDefault: undefined, writeDefault: undefined };
  return { id: 0, name: "", required: false, type, ...absent };
}

/** The same nulls and offsets over other children; the type is that of the batch's schema. */
function withChildren(data: Data, children: readonly Data[]): Data {
  const buffers = [data.valueOffsets, undefined, validityOf(data) ?? undefined];
  return data.clone(
    data.type,
    data.offset,
    data.length,
    nullsOf(data),
    buffers as never,
    [...children],
  );
}

function holdsUnknown(type: Type): boolean {
  switch (type.kind) {
    case "struct":
      return type.fields.some((field) => holdsUnknown(field.type));
    case "list":
      return holdsUnknown(type.element);
    case "map":
      return holdsUnknown(type.key) || holdsUnknown(type.value);
    default:
      return type.kind === "unknown";
  }
}

function nullInRequired(column: string): AppError {
  const message = `Cannot write column "${column}": it is required and some rows have no value`;
  return new AppError("invalid", "null_in_required_column", message, {
    issues: [{ path: column, message }],
  });
}
