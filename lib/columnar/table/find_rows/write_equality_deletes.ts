/** Equality deletes for the keys of a bag, in a spec in which they reach every row of the table. */
import { AppError } from "../../../errors.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import { isUnpartitioned, type PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import { Schema } from "../../../iceberg/spec/schema.ts";
import { currentSchema, defaultSpec } from "../../../iceberg/spec/table_metadata.ts";
import { canMakeKeys } from "../../arrow/row_keys.ts";
import { DataFileWriter } from "../data_file_writer.ts";
import type { KeyBag } from "../keys/key_bag.ts";
import type { TableState } from "./find_rows.ts";

/** Options of {@linkcode writeEqualityDeletes}. */
export interface WriteEqualityOptions {
  /** Made with `holdsRows`. */
  readonly keys: KeyBag;
  /** UUID v7; part of every file's name. */
  readonly operationId: string;
  /** Tells tasks of one operation apart; 0 by default. */
  readonly taskId?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Files, and how to remove them. */
export interface WrittenEqualityDeletes {
  readonly files: readonly DataFile[];
  /** The spec that all data files must be of when they are committed; null for any. */
  readonly onlySpecId: number | null;
  /** Removes the files. */
  abort(): Promise<void>;
}

/** Errors: `unsupported`, code `equality_deletes_unsupported`, and those of writing. */
export async function writeEqualityDeletes(
  state: TableState,
  options: WriteEqualityOptions,
): Promise<WrittenEqualityDeletes> {
  const { io, metadata } = state;
  const { keys, operationId, taskId = 0, signal } = options;
  const nested = keys.columns.columns.find(({ type }) => !canMakeKeys(type));
  if (nested !== undefined) {
    throw unsupported(`column "${nested.name}" of type ${nested.type.kind} cannot be compared so`);
  }
  const spec = await specFor(state, options);
  const writer = new DataFileWriter({
    io,
    metadata,
    schema: new Schema({
      schemaId: currentSchema(metadata).schemaId,
      fields: keys.columns.topFields,
      identifierFieldIds: [],
    }),
    spec,
    equalityIds: keys.columns.columns.map(({ id }) => id),
    operationId,
    taskId,
    signal,
  });
  try {
    for (const batch of keys.heldRows()) await writer.write(batch);
    return {
      files: await writer.finish(),
      onlySpecId: isUnpartitioned(spec) ? null : spec.specId,
      abort: () => writer.abort(),
    };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/**
 * Deletes of an unpartitioned spec reach every file. Those of a partition reach its files of the same
 * spec alone, and only where the key tells the partition.
 */
async function specFor(
  { metadata, snapshot, manifests }: TableState,
  { keys, signal }: WriteEqualityOptions,
): Promise<PartitionSpec> {
  const global = metadata.partitionSpecs.find(isUnpartitioned);
  if (global !== undefined) return global;
  const spec = defaultSpec(metadata);
  const ids = new Set(keys.columns.columns.map(({ id }) => id));
  const isTold = spec.fields.every(({ transform, sourceIds }) =>
    transform.kind === "void" || sourceIds.every((id) => ids.has(id))
  );
  if (!isTold) {
    throw unsupported(
      "its partitions are made of columns that are not among those compared, so that a key does not " +
        "tell where its rows are",
    );
  }
  const read = signal === undefined ? {} : { signal };
  const all = snapshot === null ? [] : await manifests.manifestsOf(snapshot, read);
  const isForeign = all.some(({ content, partitionSpecId, addedFilesCount, existingFilesCount }) =>
    content === "data" && partitionSpecId !== spec.specId &&
    !(addedFilesCount === 0 && existingFilesCount === 0)
  );
  if (isForeign) {
    throw unsupported("it has files of another partition spec, which such deletes do not reach");
  }
  return spec;
}

function unsupported(why: string): AppError {
  return new AppError(
    "unsupported",
    "equality_deletes_unsupported",
    `Cannot delete rows of the table by equality deletes: ${why}; delete them by position`,
  );
}
