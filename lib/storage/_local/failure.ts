/** Operating-system failures as ours: by the system's error code, never by message text. */
import { AppError, type ErrorKind } from "../../errors.ts";
import { alreadyExists, failedTo, fileNotFound, type StorageAction } from "../_failures.ts";

/** What failed, for {@linkcode localFailure}. */
export interface LocalFailureOptions {
  readonly action: StorageAction;
  readonly location: string;
}

interface Known {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly reason: string;
  readonly retryable?: boolean;
}

const KNOWN: ReadonlyMap<string, Known> = new Map(Object.entries<Known>({
  EACCES: denied("storage_access_denied", "the operating system denies access to it"),
  EPERM: denied("storage_access_denied", "the operating system does not permit it"),
  EROFS: denied("storage_read_only", "the file system is mounted read-only"),
  ENOSPC: broken("storage_full", "the disk is full"),
  EDQUOT: broken("storage_full", "the disk quota is used up"),
  EFBIG: broken("storage_full", "the file system takes no file this large"),
  EMFILE: { ...broken("storage_busy", "too many files are open"), retryable: true },
  ENFILE: { ...broken("storage_busy", "too many files are open"), retryable: true },
  EBUSY: { ...broken("storage_busy", "it is in use"), retryable: true },
  ESTALE: {
    ...broken("storage_busy", "the network file system lost track of it"),
    retryable: true,
  },
  ENAMETOOLONG: wrong("location_invalid", "a part of its name is too long for this file system"),
  EILSEQ: wrong("location_invalid", "the file system cannot store its name"),
  ELOOP: wrong("location_invalid", "its symbolic links form a loop"),
  EISDIR: { kind: "already_exists", code: "location_is_folder", reason: "a folder is there" },
  ENOTEMPTY: { kind: "already_exists", code: "location_is_folder", reason: "a folder is there" },
  ENOTDIR: broken("parent_not_a_folder", "a part of its path is a file, not a folder"),
}));

/** Turns what a `Deno` file call threw into an {@linkcode AppError}; our own mistakes stay. */
export function localFailure(error: unknown, options: LocalFailureOptions): Error {
  if (error instanceof AppError || error instanceof TypeError || error instanceof RangeError) {
    return error;
  }
  const { action, location } = options;
  if (error instanceof Deno.errors.NotCapable) {
    return new AppError(
      "forbidden",
      "storage_permission_missing",
      `${failedTo(action, location)}: drls was started without permission for this folder; ` +
        `start it with --allow-read and --allow-write for every folder of DRLS_STORAGE_ROOTS`,
      { context: { location }, cause: error },
    );
  }
  const systemCode = errorCode(error);
  const isMissing = systemCode === "ENOENT" || (systemCode === "ENOTDIR" && action === "read");
  if (isMissing) return fileNotFound(location, error);
  if (systemCode === "EEXIST") return alreadyExists(location, error);
  const known = KNOWN.get(systemCode ?? "") ??
    broken("storage_failed", "the disk reports a failure");
  return new AppError(known.kind, known.code, `${failedTo(action, location)}: ${known.reason}`, {
    context: { location, systemCode },
    retryable: known.retryable ?? false,
    cause: error,
  });
}

/** The system's name for an error (`ENOENT`), or null. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}

/** Whether nothing is at a path: it, or a folder on the way to it, does not exist. */
export function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function denied(code: string, reason: string): Known {
  return { kind: "forbidden", code, reason };
}

function broken(code: string, reason: string): Known {
  return { kind: "unavailable", code, reason };
}

function wrong(code: string, reason: string): Known {
  return { kind: "invalid", code, reason };
}
