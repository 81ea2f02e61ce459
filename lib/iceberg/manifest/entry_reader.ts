/** Walks the entries of a manifest, with decoders compiled once per writer schema and projection. */
import { corruptData, displayPath } from "../../errors.ts";
import { AvroTypeMismatch } from "../avro/compile_field.ts";
import type { Step } from "../avro/compile_record.ts";
import { type AvroContainer, readBlocks } from "../avro/container.ts";
import { AvroCursor } from "../avro/cursor.ts";
import { MAX_COMPILED_READERS } from "../avro/limits.ts";
import { parseAvroSchema } from "../avro/parse_schema.ts";
import { compileEntry, type EntryColumn, EntryRow } from "./entry_row.ts";
import { headerPartitionFieldIds } from "./manifest_header.ts";
import type { PartitionFieldRef } from "./partition_tuple.ts";

/**
 * Entries decoded between two pauses. Writers such as PyIceberg put a whole manifest into one
 * block; at this many entries a pause still comes about every millisecond.
 */
export const ENTRIES_PER_STEP = 1_024;

/** Writer schemas longer than this are compiled anew each time: as keys they would hold memory. */
const MAX_CACHED_SCHEMA_CHARS = 128 * 1024;

/** Options of {@linkcode walkEntries}: what of each entry to decode. */
export interface WalkEntriesOptions {
  readonly columns: ReadonlySet<EntryColumn>;
  /** Order and types of the partition tuple; null for the order of the manifest's own spec. */
  readonly partitionFields: readonly PartitionFieldRef[] | null;
}

interface CompiledEntry {
  readonly step: Step<EntryRow>;
  readonly freeSteps: number;
}

// Keyed by everything that compilation depends on, in least recently used order.
const compiled = new Map<string, CompiledEntry>();

/**
 * Decodes one entry after another into one row, which `visit` reads before it returns. Yields
 * after each step of at most {@linkcode ENTRIES_PER_STEP} entries, so that a caller can let others
 * run.
 */
export function* walkEntries(
  container: AvroContainer,
  visit: (row: EntryRow) => void,
  options: WalkEntriesOptions,
): Generator<void> {
  const { step, freeSteps } = compiledEntry(container, options);
  const cursor = new AvroCursor(container.location);
  const row = new EntryRow();
  for (const count of readBlocks(container, cursor)) {
    cursor.spendFreeSteps(count * freeSteps);
    for (let left = count; left > 0;) {
      const batch = Math.min(left, ENTRIES_PER_STEP);
      for (let index = 0; index < batch; index++) {
        step(cursor, row);
        cursor.checkEnd();
        visit(row);
      }
      left -= batch;
      yield;
    }
  }
}

function compiledEntry(container: AvroContainer, projection: WalkEntriesOptions): CompiledEntry {
  const { schemaText } = container;
  if (schemaText.length > MAX_CACHED_SCHEMA_CHARS) return compile(container, projection);
  const key = cacheKey(container, projection);
  let entry = compiled.get(key);
  if (entry === undefined) entry = compile(container, projection);
  else compiled.delete(key);
  compiled.set(key, entry);
  for (const oldest of compiled.keys()) {
    if (compiled.size <= MAX_COMPILED_READERS) break;
    compiled.delete(oldest);
  }
  return entry;
}

function compile(container: AvroContainer, projection: WalkEntriesOptions): CompiledEntry {
  const { location, schemaText } = container;
  const type = parseAvroSchema(schemaText, { location });
  const partitionFields = projection.partitionFields ??
    headerPartitionFieldIds(container).map((fieldId) => ({ fieldId }));
  try {
    const step = compileEntry(type, { columns: projection.columns, partitionFields });
    return { step, freeSteps: type.freeSteps };
  } catch (cause) {
    if (!(cause instanceof AvroTypeMismatch)) throw cause;
    throw corruptData(
      "manifest_malformed",
      `Cannot read manifest "${displayPath(location)}": its Avro schema is not that of a ` +
        `manifest, ${cause.message}`,
      { context: { location }, cause },
    );
  }
}

function cacheKey(container: AvroContainer, projection: WalkEntriesOptions): string {
  const columns = [...projection.columns].join();
  const partition = projection.partitionFields === null
    ? headerPartitionFieldIds(container).join()
    : projection.partitionFields.map(partitionFieldKey).join();
  return `${columns}\n${partition}\n${container.schemaText}`;
}

function partitionFieldKey({ fieldId, resultType }: PartitionFieldRef): string {
  return resultType === undefined ? `${fieldId}` : `${fieldId}:${resultType.kind}`;
}
