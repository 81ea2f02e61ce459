/**
 * Where data files go: below `write.data.path`, in folders named for their partitions, or spread by
 * a hash of their names (`write.object-storage.enabled`), as Iceberg's Java library lays them out.
 */
import { hashValue } from "../../../iceberg/spec/apply_transform.ts";
import { partitionPath } from "../../../iceberg/spec/partition_path.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../../iceberg/spec/types.ts";

/** What file locations depend on. */
export interface FileLocationsOptions {
  readonly metadata: Pick<TableMetadata, "location" | "properties">;
  /** UUID v7; part of every name, so that what an operation leaves behind can be found. */
  readonly operationId: string;
  /** Tells tasks of one operation apart; 0 by default. */
  readonly taskId?: number;
}

/** A partition, as far as its folder's name goes. */
export interface PlacedPartition {
  readonly spec: PartitionSpec;
  /** The schema that the spec's columns are in. */
  readonly schema: Schema;
  /** Values in the order of the spec. */
  readonly partition: readonly IcebergValue[];
}

/** Longest name of a folder, in characters; file systems take 255, and files have names of their own. */
const MAX_FOLDER_CHARS = 200;
/** Bits of the hash that folders are named for: three folders of four bits, one of eight. */
const HASH_BITS = 20;
const FOLDER_BITS = 4;
const FOLDERS = 3;

/** Makes the locations of one task's files, each once. */
export class FileLocations {
  readonly #options: FileLocationsOptions;
  readonly #folder: string;
  #files = 0;

  constructor(options: FileLocationsOptions) {
    this.#options = options;
    this.#folder = dataFolder(options.metadata);
  }

  /** A location for the next file; `suffix` is `.parquet` or the like. */
  next(placed: PlacedPartition, suffix: string): string {
    const { operationId, taskId = 0, metadata } = this.#options;
    const name = `${pad(taskId)}-${operationId}-${pad(++this.#files)}${suffix}`;
    const { properties, location } = metadata;
    const path = partitionPath(placed.partition, placed).split("/").map(cut).join("/");
    const inPartition = path === "" ? name : `${path}/${name}`;
    if (!isTrue(properties["write.object-storage.enabled"], false)) {
      return `${this.#folder}/${inPartition}`;
    }
    const withPath = isTrue(properties["write.object-storage.partitioned-paths"], true);
    const file = withPath ? inPartition : name;
    const hash = hashFolders(file);
    // Tables that share a folder are told apart by their own two last folders.
    const context = this.#folder.startsWith(location)
      ? ""
      : `${location.split("/").slice(-2).join("/")}/`;
    return withPath || context !== ""
      ? `${this.#folder}/${hash}/${context}${file}`
      : `${this.#folder}/${hash}-${file}`;
  }
}

/** The folder of a table's data files, without a slash at its end. */
export function dataFolder(metadata: Pick<TableMetadata, "location" | "properties">): string {
  const { location, properties } = metadata;
  const spread = isTrue(properties["write.object-storage.enabled"], false)
    ? properties["write.object-storage.path"]
    : undefined;
  const path = properties["write.data.path"] ?? spread ?? properties["write.folder-storage.path"];
  return (path ?? `${location}/data`).replace(/\/+$/, "");
}

/** `0101/0110/1001/10110010`, from the last bits of the name's hash. */
function hashFolders(file: string): string {
  const hash = hashValue({ kind: "string" }, file) >>> 0;
  const bits = hash.toString(2).padStart(32, "0").slice(-HASH_BITS);
  const folders: string[] = [];
  for (let at = 0; at < FOLDERS * FOLDER_BITS; at += FOLDER_BITS) {
    folders.push(bits.slice(at, at + FOLDER_BITS));
  }
  return [...folders, bits.slice(FOLDERS * FOLDER_BITS)].join("/");
}

/** Partitions of long values share a folder where they begin alike; nothing is read from its name. */
function cut(folder: string): string {
  if (folder.length <= MAX_FOLDER_CHARS) return folder;
  return folder.slice(0, MAX_FOLDER_CHARS).replace(/%.?$/, "");
}

function isTrue(text: string | undefined, absent: boolean): boolean {
  return text === undefined ? absent : text.trim().toLowerCase() === "true";
}

function pad(number: number): string {
  return String(number).padStart(5, "0");
}
