/** The Arrow form of a file's schema, as the decoder sees it. */
import {
  DataType,
  Field,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema as ArrowSchema,
  TimestampMicrosecond,
} from "apache-arrow";
import { PhysicalType } from "../footer/physical_type.ts";
import { MAGIC } from "../footer/read_footer.ts";
import { ParquetWasmError, withParquetWasm } from "../wasm/instance.ts";
import { decodeError } from "./decode.ts";
import type { PrunedSchema } from "./prune_schema.ts";
import { rowGroupFooter } from "./row_group_file.ts";

/** The Arrow schema of rows with this Parquet schema. */
export function arrowSchemaOf(
  schema: PrunedSchema,
  options: { readonly location: string; readonly arrowSchema?: string },
): ArrowSchema {
  const { location, ...hint } = options;
  if (schema.leaves.length === 0) return new ArrowSchema([]);
  const footer = rowGroupFooter(schema, [], hint);
  const file = new Uint8Array(MAGIC.length + footer.length);
  file.set(MAGIC);
  file.set(footer, MAGIC.length);
  try {
    const stream = withParquetWasm((wasm, own) => own(wasm.readSchema(file)).intoIPCStream());
    return RecordBatchReader.from(stream).open().schema;
  } catch (error) {
    if (error instanceof ParquetWasmError) throw decodeError(error, location);
    throw error;
  }
}

/**
 * The `ARROW:schema` that makes the decoder read INT96, the timestamps of old writers, in
 * microseconds as Iceberg has them: in nanoseconds, its default, years before 1677 and after 2262
 * overflow. Null where the schema holds no INT96.
 */
export function int96Hint(schema: PrunedSchema, location: string): string | null {
  const isInt96 = schema.elements.some(({ type }) => type === PhysicalType.int96);
  if (!isInt96) return null;
  const inNanos = arrowSchemaOf(schema, { location });
  const leaves = schema.elements.filter(({ type }) => type !== null);
  const next = leaves.values();
  const fields = inNanos.fields.map((field) =>
    mapLeaves(field, (leaf) => {
      const { value } = next.next();
      return value?.type === PhysicalType.int96
        ? leaf.clone({ type: new TimestampMicrosecond() })
        : leaf;
    })
  );
  return encodeArrowSchema(new ArrowSchema(fields));
}

/** Leaves of Arrow come in the order of leaves of Parquet: groups become struct, list or map. */
function mapLeaves(field: Field, map: (leaf: Field) => Field): Field {
  const { type } = field;
  const children: readonly Field[] = type.children ?? [];
  if (children.length === 0) return map(field);
  const mapped = children.map((child) => mapLeaves(child, map));
  const copy: DataType = Object.assign(Object.create(Object.getPrototypeOf(type)), type);
  Object.assign(copy, { children: mapped });
  return new Field(field.name, copy, field.nullable, field.metadata);
}

/** A schema message in base64, as Arrow writers keep it in Parquet files. */
function encodeArrowSchema(schema: ArrowSchema): string {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  const bytes = writer.finish().toUint8Array(true);
  return bytes.toBase64();
}
