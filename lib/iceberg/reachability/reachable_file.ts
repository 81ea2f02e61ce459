/** Files that snapshots of a table refer to. */

/** What a file is to its table. `statistics` holds those of tables and of partitions alike. */
export type ReachableKind =
  | "data"
  | "position_deletes"
  | "equality_deletes"
  | "manifest"
  | "manifest_list"
  | "statistics";

/** A file by its location as the table records it. */
export interface ReachableFile {
  readonly kind: ReachableKind;
  readonly location: string;
  /** Null where the table does not say: manifest lists, and manifests of some v1 writers. */
  readonly sizeBytes: number | null;
}
