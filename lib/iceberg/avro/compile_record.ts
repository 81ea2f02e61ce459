/**
 * Compiles a record into a function that fills a row object: fields that a sink asks for, by field
 * id, are decoded into the row, all others are skipped.
 */
import { compileSkips } from "./compile_skip.ts";
import type { AvroCursor } from "./cursor.ts";
import type { AvroRecord, AvroType } from "./schema.ts";

/** Decodes part of a record into `row`. */
export type Step<Row> = (cursor: AvroCursor, row: Row) => void;

/** Builds the step for one field from the type that the writer gave it. */
export type Sink<Row> = (type: AvroType) => Step<Row>;

/**
 * The step that fills a row from a whole record. A field that `sinks` asks for and the writer lacks
 * leaves the row as it was.
 */
export function compileRecord<Row>(
  record: AvroRecord,
  sinks: ReadonlyMap<number, Sink<Row>>,
): Step<Row> {
  const steps: Step<Row>[] = [];
  let skipped: AvroType[] = [];
  const flush = () => {
    for (const skip of compileSkips(skipped)) steps.push(skip);
    skipped = [];
  };
  for (const { fieldId, type } of record.fields) {
    const sink = fieldId === null ? undefined : sinks.get(fieldId);
    if (sink === undefined) {
      skipped.push(type);
      continue;
    }
    flush();
    steps.push(sink(type));
  }
  flush();
  return (cursor, row) => {
    for (const step of steps) step(cursor, row);
  };
}
