/**
 * Reads what a snapshot changed, as rows that were deleted and rows that were inserted, and none that
 * are both: what a copy-on-write carried over into a new file has not changed.
 *
 *     const plan = await planChanges({ metadata, snapshot, manifests });
 *     for await (const { kind, batch } of readChanges(plan, { io, metadata, schema })) ...
 *
 * Rows of the snapshot's parent, less the deleted ones, and the inserted ones are the rows of the
 * snapshot, as multisets. An updated row is one of each. The order says nothing: all deletes precede
 * all inserts in meaning, and a sink takes both in one commit. Files that only the parent has are read,
 * too; for as long as a pin keeps it, they are there.
 */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import type { ChangePlan } from "../../../iceberg/scan/plan_changes.ts";
import { nameMappingOf } from "../../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { KeyDigester } from "../../arrow/digest_keys.ts";
import { DeleteLoader } from "../deletes/delete_loader.ts";
import { KeyColumns } from "../keys/key_columns.ts";
import { type ReadTable, readTask, type ReadTaskOptions } from "../read_task.ts";
import { type ChangeSide, groupChanges, rowsAtMost } from "./_change_groups.ts";
import { changedRows } from "./_changed_rows.ts";
import { netRows, type RereadableRows } from "./_net_rows.ts";

/** Bytes that comparing rows takes by default: about seven million rows of one partition. */
export const DEFAULT_CHANGES_BYTES = 256 * 1024 * 1024;

/** Options of {@linkcode readChanges}. */
export interface ReadChangesOptions {
  readonly io: FileIo;
  readonly metadata: ReadTable;
  /** The schema that rows are read with, those of the parent, too. */
  readonly schema: Schema;
  /** Shared by all that read the table; its own by default. */
  readonly loader?: DeleteLoader;
  /** Bytes that comparing rows takes; {@linkcode DEFAULT_CHANGES_BYTES} by default. */
  readonly maxBytes?: number;
  /** Four random words; fresh ones by default. */
  readonly secret?: Uint32Array;
  readonly signal?: AbortSignal | undefined;
}

/** Rows that came or went. */
export interface RowChanges {
  readonly kind: "insert" | "delete";
  /** In the Arrow form of the schema, with at least one row. */
  readonly batch: RecordBatch;
}

/**
 * The changes. Nothing is read before the first is asked for. Errors: `too_large`, code
 * `changes_too_large`, where more rows of a partition were rewritten than can be compared; those of
 * `readTask`.
 */
export async function* readChanges(
  plan: ChangePlan,
  options: ReadChangesOptions,
): AsyncGenerator<RowChanges> {
  const { io, metadata, schema, signal, maxBytes = DEFAULT_CHANGES_BYTES } = options;
  const { secret = crypto.getRandomValues(new Uint32Array(4)) } = options;
  const deletes = options.loader ??
    new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  const read = { io, metadata, schema, deletes, signal };
  const net = {
    columns: new KeyColumns(schema, null),
    digester: new KeyDigester(secret),
    maxBytes,
    tooLarge: (maxBytes: number) => tooLarge(plan, maxBytes),
  };
  for (const { deleted, inserted } of groupChanges(plan, schema)) {
    const sides = [rereadable(deleted, read), rereadable(inserted, read)] as const;
    for await (const { side, batch } of netRows(sides, net)) {
      yield { kind: side === 0 ? "delete" : "insert", batch };
    }
  }
}

function rereadable(
  side: ChangeSide,
  options: ReadTaskOptions & { readonly deletes: DeleteLoader },
): RereadableRows {
  return {
    rows: rowsAtMost(side),
    async *read() {
      for (const task of side.tasks) yield* readTask(task, options);
      for (const states of side.changed) yield* changedRows(states, options);
    },
  };
}

function tooLarge({ snapshot }: ChangePlan, maxBytes: number): AppError {
  const { snapshotId } = snapshot;
  return new AppError(
    "too_large",
    "changes_too_large",
    `Cannot tell which rows snapshot ${snapshotId} changed: comparing those that it rewrote takes ` +
      `more than ${maxBytes} bytes of memory; read past it with source_changes "skip" or ` +
      '"added-files"',
    { context: { snapshotId } },
  );
}
