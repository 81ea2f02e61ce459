/** Metadata under change: what the reducers of single updates hand on to each other. */
import { AppError } from "../../errors.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { TableUpdate } from "./table_update.ts";

/** One kind of update. */
export type UpdateOf<A extends TableUpdate["action"]> = Extract<
  TableUpdate,
  { readonly action: A }
>;

/** The metadata so far, and what later updates of the same list need to know of earlier ones. */
export interface MetadataDraft {
  readonly metadata: TableMetadata;
  /** What {@linkcode LAST_ADDED} stands for; null where nothing was added. */
  readonly lastSchemaId: number | null;
  readonly lastSpecId: number | null;
  readonly lastOrderId: number | null;
  /** Ids that must not be given out again: their old meaning is still in files. */
  readonly retiredSchemaIds: ReadonlySet<number>;
  readonly retiredSpecIds: ReadonlySet<number>;
  readonly addedSnapshots: ReadonlySet<bigint>;
  /** Snapshots of this list that `main` was set to at some time. */
  readonly addedHeads: ReadonlySet<bigint>;
  readonly removedSnapshots: boolean;
  /** The time of the change: that of the last snapshot added, otherwise now. */
  readonly stampMs: number;
}

/** A draft that nothing has been done to. */
export function newDraft(metadata: TableMetadata, nowMs: number): MetadataDraft {
  return {
    metadata,
    lastSchemaId: null,
    lastSpecId: null,
    lastOrderId: null,
    retiredSchemaIds: new Set(),
    retiredSpecIds: new Set(),
    addedSnapshots: new Set(),
    addedHeads: new Set(),
    removedSnapshots: false,
    stampMs: nowMs,
  };
}

/** The draft with some parts of its metadata replaced. */
export function edited(draft: MetadataDraft, parts: Partial<TableMetadata>): MetadataDraft {
  return { ...draft, metadata: { ...draft.metadata, ...parts } };
}

/** An update that cannot be applied, whatever the state of the table is. */
export function invalidUpdate(message: string): AppError {
  return new AppError("invalid", "invalid_table_update", message);
}

/** An update made for a table that has changed since; the same commit made anew may succeed. */
export function outdatedUpdate(message: string): AppError {
  return new AppError("conflict", "commit_conflict", message, { retryable: true });
}

/** The id after the highest of `ids`, `first` where there is none. */
export function nextId(ids: Iterable<number>, first: number): number {
  let next = first;
  for (const id of ids) if (id >= next) next = id + 1;
  return next;
}
