/** Where the files of a commit lie. Every name holds the operation's id, so that leftovers are found. */
import type { TableMetadata } from "../../spec/table_metadata.ts";

/** The folder of a table's metadata: `write.metadata.path`, or `metadata` below the table. */
export function metadataFolder(metadata: TableMetadata): string {
  const path = metadata.properties["write.metadata.path"] ?? `${metadata.location}/metadata`;
  return path.replace(/\/+$/, "");
}

/** The location of a commit's `number`th manifest. */
export function manifestPath(
  metadata: TableMetadata,
  { operationId, number }: { readonly operationId: string; readonly number: number },
): string {
  return `${metadataFolder(metadata)}/${operationId}-m${number}.avro`;
}

/** The location of the manifest list of one attempt. */
export function manifestListPath(
  metadata: TableMetadata,
  name: { readonly snapshotId: bigint; readonly attempt: number; readonly operationId: string },
): string {
  const { snapshotId, attempt, operationId } = name;
  return `${metadataFolder(metadata)}/snap-${snapshotId}-${attempt}-${operationId}.avro`;
}
