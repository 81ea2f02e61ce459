/** Storage's door: files on local disk, in S3-compatible stores, in memory, behind one interface. */
export { openStorage } from "./open_storage.ts";
export { faultOfTable } from "./fault_of_table.ts";
export { LocalFileIo, type LocalFileIoOptions } from "./local_file_io.ts";
export {
  type MemoryCall,
  type MemoryFault,
  MemoryFileIo,
  type MemoryFileIoOptions,
  type MemoryOperation,
} from "./memory_file_io.ts";
export { isRelocated, RelocatedFileIo, type Relocation } from "./relocated_file_io.ts";
export { isRegion } from "./_s3/address.ts";
export { S3FileIo, type S3FileIoOptions } from "./s3_file_io.ts";
export type { LocalStorageSpec, S3StorageSpec, StorageSpec } from "./spec.ts";
export {
  baseName,
  canonicalScheme,
  isSameLocation,
  joinLocation,
  normalizeLocation,
  parentLocation,
  type ParsedLocation,
  parseLocation,
  relativeLocation,
  withoutTrailingSlashes,
} from "./location.ts";
