/**
 * Writers that break one rule each, as other systems have: whoever takes the suite at its word should
 * have seen it find them.
 */
import { AppError } from "../../lib/errors.ts";
import { MergingSnapshot } from "../../lib/iceberg/commit/snapshot/_merging_snapshot.ts";
import { NO_REMOVAL } from "../../lib/iceberg/commit/snapshot/_removal.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import { rewriteFiles } from "../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { SnapshotProducer } from "../../lib/iceberg/commit/snapshot/snapshot_producer.ts";
import { reachableFiles } from "../../lib/iceberg/reachability/reachable_files.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { commitTransaction } from "../../lib/iceberg/commit/transaction.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { type Act, type Action, NothingToDo, schemaOf } from "./_act.ts";
import type { ReadFile, ReadRow } from "./_reader.ts";
import { WrittenFiles } from "./_written_files.ts";

/** A compaction in the making: files of a state, and their rows in one new file for each partition. */
async function rewriteAll(
  act: Act,
  written: WrittenFiles,
  { keep = () => true }: { readonly keep?: ((row: ReadRow, at: number) => boolean) | undefined } =
    {},
) {
  const state = await act.read();
  act.begin({ kind: "keep" });
  const rows = state.files.flatMap((file) => file.rows).filter(keep);
  return { ...state, added: await written.data(state.table, [], rows) };
}

function tasksOf(files: readonly ReadFile[]) {
  return files.map(({ task }) => task);
}

/** Validates from the snapshot at the time of the commit: what came since planning goes unseen. */
export const validatesAtCommit: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const { files, added } = await rewriteAll(act, written);
    const table = await act.load();
    const snapshot = currentSnapshot(table.metadata);
    if (snapshot === undefined) throw new NothingToDo("The table is empty");
    await act.commit(
      rewriteFiles({
        replaced: tasksOf(files),
        added,
        startingSnapshotId: snapshot.snapshotId,
        dataSequenceNumber: snapshot.sequenceNumber,
      }),
      table,
    );
  });
};

/** Replaces files with no look at what came since, under sequence numbers of its choice. */
function replacesBlindly(
  sequenceNumber: (start: bigint) => bigint | null,
  keep?: (row: ReadRow, at: number) => boolean,
): Action {
  return async (act) => {
    const written = new WrittenFiles(act);
    await written.orNothing(async () => {
      const { files, snapshot, added } = await rewriteAll(act, written, { keep });
      const number = sequenceNumber(snapshot.sequenceNumber);
      await act.commit(
        new SnapshotProducer(
          new MergingSnapshot({
            name: "replace",
            addedData: added.map((file) => ({ file, sequenceNumber: number })),
            removal: { ...NO_REMOVAL, data: tasksOf(files) },
            operation: () => "replace",
          }),
        ),
      );
    });
  };
}

/** New files count as new: equality deletes that came meanwhile are older, and apply no more. */
export const takesNewNumber: Action = replacesBlindly(() => null);

/** New files count as older than they are: deletes of the past apply to rows that came after them. */
export const takesOldNumber: Action = replacesBlindly(() => 1n);

/** Leaves a row out. */
export const losesRow: Action = replacesBlindly((start) => start, (_, at) => at > 0);

/** Adds the new files and keeps the old ones. */
export const keepsReplaced: Action = async (act) => {
  const { added } = await rewriteAll(act, new WrittenFiles(act));
  await act.commit(fastAppend({ files: added }));
};

/** Appends through a store that takes a lost reply for a failure; `retry` is tried after that. */
function failsOnLostReply(retry: (act: Act, files: readonly DataFile[]) => Promise<void>): Action {
  return async (act) => {
    const { store, host } = act.options;
    const table = await act.load();
    const rows = act.newRows(schemaOf(table), 2);
    act.begin({ kind: "append", rows });
    const files = await new WrittenFiles(act).data(table, rows);
    const action = fastAppend({ files });
    try {
      await commitTransaction(
        hasty(store),
        [{ name: "append", apply: (one) => action.apply(one) }],
        {
          operationId: host.operationId,
        },
      );
    } catch (error) {
      await retry(act, files);
      throw error;
    }
  };
}

function hasty(store: TableStore): TableStore {
  return {
    load: (signal) => store.load(signal),
    commit: (base, change, options) =>
      store.commit(base, change, options).catch((cause: unknown) => {
        const isUnknown = cause instanceof AppError && cause.kind === "commit_state_unknown";
        if (!isUnknown) throw cause;
        throw new AppError("unavailable", "commit_failed", "Cannot commit", { cause });
      }),
  };
}

/** Takes a lost reply for a failure, and its files back. */
export const deletesAfterLostReply: Action = failsOnLostReply(async (act, files) => {
  for (const { filePath } of files) await act.options.io.delete(filePath);
});

/** Takes a lost reply for a failure, and commits its files once more. */
export const repeatsAfterLostReply: Action = failsOnLostReply(async (act, files) => {
  await act.commit(fastAppend({ files }));
});

/** Takes every file for an orphan that the table does not name, however young. */
export const removesYoungFiles: Action = async (act) => {
  const { metadata, io } = await act.load();
  act.begin({ kind: "no snapshot" });
  const named = new Set<string>();
  for await (const { location } of reachableFiles({ io, metadata })) named.add(location);
  for await (const { location } of io.listRecursive(`${metadata.location}/data`)) {
    if (!named.has(location)) await io.delete(location);
  }
};

/** Deletes what the current snapshot does not need, whatever tags and branches may need. */
export const forgetsRefs: Action = async (act) => {
  const { metadata, io } = await act.load();
  act.begin({ kind: "no snapshot" });
  const head = currentSnapshot(metadata);
  if (head === undefined) throw new NothingToDo("The table is empty");
  const needed = new Set<string>();
  for await (const { location } of reachableFiles({ io, metadata, snapshots: [head] })) {
    needed.add(location);
  }
  const all = await Array.fromAsync(reachableFiles({ io, metadata }));
  for (const { location } of all) if (!needed.has(location)) await io.delete(location);
};
