/** Partition specs from the texts that Spark's `PARTITIONED BY` takes: `days(ts)`, `bucket(16, id)`. */
import { AppError } from "../../errors.ts";
import type { PartitionField, PartitionSpec } from "../spec/partition_spec.ts";
import type { Schema } from "../spec/schema.ts";
import type { Transform } from "../spec/transform.ts";
import { DdlCursor } from "./_cursor.ts";
import { readTerm, type Term } from "./_term.ts";

/** The id of a table's first partition field (spec "Partition Evolution"). */
const FIRST_PARTITION_FIELD_ID = 1_000;
/** Fields of one spec; no reader takes more. */
const MAX_PARTITION_FIELDS = 1_000;

/** A transform of a column with the name that its values get. */
export interface PartitionTerm extends Term {
  readonly name: string;
}

/**
 * One partition field: a column, or a transform of one, and optionally `AS name`. Without a name it
 * gets the one that Spark gives: `ts_day`, `id_bucket`, `name_trunc`. Throws `invalid` (code
 * `partition_syntax`) with position and remedy; `ambiguous_column` as `findColumn` does.
 */
export function parsePartitionField(text: string, schema: Schema): PartitionTerm {
  const cursor = new DdlCursor({ what: "partition field", code: "partition_syntax", text });
  const term = readTerm(cursor, schema);
  const name = cursor.takeWord("AS") ? cursor.name("a name").text : null;
  cursor.expectEnd();
  return { ...term, name: name ?? defaultPartitionName(term.transform, term.source.name) };
}

/** A new table's spec 0 from its fields' texts; rules between fields are checked too. */
export function parsePartitionFields(texts: readonly string[], schema: Schema): PartitionSpec {
  const terms: PartitionTerm[] = [];
  texts.forEach((text, index) => {
    const term = parsePartitionField(text, schema);
    const problem = partitionConflict(term, terms, schema);
    if (problem !== null) throw partitionInvalid(text, problem);
    if (index >= MAX_PARTITION_FIELDS) {
      throw partitionInvalid(text, `a table has at most ${MAX_PARTITION_FIELDS} of them`);
    }
    terms.push(term);
  });
  const fields = terms.map(({ transform, source, name }, index): PartitionField => ({
    sourceIds: [source.field.id],
    fieldId: FIRST_PARTITION_FIELD_ID + index,
    name,
    transform,
  }));
  return { specId: 0, fields };
}

/** The name that the reference implementation gives a partition field when a table is created. */
export function defaultPartitionName(transform: Transform, column: string): string {
  switch (transform.kind) {
    case "identity":
      return column;
    case "truncate":
      return `${column}_trunc`;
    case "void":
      return `${column}_null`;
    case "unknown":
      return `${column}_unknown`;
    default:
      return `${column}_${transform.kind}`;
  }
}

/**
 * Why a field may not stand beside others, null where it may. As the reference implementation has
 * it: names are unique and no column's but the source of an identity; a column is split by one unit
 * of time, and once by its value.
 */
export function partitionConflict(
  term: PartitionTerm,
  others: readonly PartitionTerm[],
  schema: Schema,
): string | null {
  const { name, source, transform } = term;
  const column = schema.findByName(name);
  if (column !== undefined) {
    const own = transform.kind === "identity" && column.field.id === source.field.id;
    if (!own) return `its name ${name} is that of a column, add another: … as ${name}_part`;
  }
  const unit = redundancyKey(transform);
  for (const other of others) {
    if (other.name === name) return `another one is called ${name} too, add a name: … as other`;
    const same = unit !== null && redundancyKey(other.transform) === unit &&
      other.source.field.id === source.field.id;
    if (same) return `${source.name} is split by ${other.transform.kind} already`;
  }
  return null;
}

function redundancyKey(transform: Transform): string | null {
  switch (transform.kind) {
    case "year":
    case "month":
    case "day":
    case "hour":
      return "time";
    case "bucket":
      return `bucket[${transform.numBuckets}]`;
    case "truncate":
      return `truncate[${transform.width}]`;
    case "identity":
      return "identity";
    default:
      return null;
  }
}

function partitionInvalid(text: string, problem: string): AppError {
  const message = `Cannot partition by "${text.slice(0, 64)}": ${problem}`;
  return new AppError("invalid", "invalid_partition", message);
}
