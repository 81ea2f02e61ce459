/** The failures that every store reports alike, so that callers need not know which one it was. */
import { AppError, displayPath } from "../errors.ts";

/** What was being done, for messages: `Failed to read "metadata/v1.metadata.json": ...`. */
export type StorageAction = "read" | "stat" | "list" | "create" | "replace" | "write" | "delete";

/** The opening of every message: the failed action and what of the location a client may see. */
export function failedTo(action: StorageAction, location: string): string {
  return `Failed to ${action} ${quoted(location)}`;
}

/** The visible part of a location in quotes; control characters are escaped. */
export function quoted(location: string): string {
  return JSON.stringify(displayPath(location));
}

/** No file at a location. */
export function fileNotFound(location: string, cause?: unknown): AppError {
  return new AppError(
    "not_found",
    "file_not_found",
    `${failedTo("read", location)}: there is no such file`,
    { context: { location }, cause },
  );
}

/** A create lost: something is at the location already. */
export function alreadyExists(location: string, cause?: unknown): AppError {
  return new AppError(
    "already_exists",
    "file_already_exists",
    `${failedTo("create", location)}: it exists already`,
    { context: { location }, cause },
  );
}

/** A location that the configuration does not open to drls. */
export function outsideWarehouse(action: StorageAction, location: string): AppError {
  return new AppError(
    "forbidden",
    "location_outside_warehouse",
    `${failedTo(action, location)}: it lies outside the warehouse; ` +
      `to allow it, add its folder to the setting DRLS_STORAGE_ROOTS`,
    { context: { location } },
  );
}

/** More bytes than the caller would take. */
export function fileTooLarge(location: string, options: { limitBytes: number }): AppError {
  return new AppError(
    "too_large",
    "file_too_large",
    `${failedTo("read", location)}: it is larger than the limit of ${options.limitBytes} bytes`,
    { context: { location } },
  );
}

/** A range that ends past the file's end: whoever recorded it was wrong, or the file was cut. */
export function rangeOutOfBounds(location: string, sizeBytes: number | null): AppError {
  const size = sizeBytes === null ? "the file" : `the file's ${sizeBytes} bytes`;
  return new AppError(
    "corrupt_data",
    "range_out_of_bounds",
    `${failedTo("read", location)}: the range asked for ends past ${size}`,
    { context: { location, sizeBytes } },
  );
}
