/** Reading from an open local file: whole or in part, within a limit, stoppable between pieces. */
import type { ReadOptions } from "../../iceberg/ports.ts";
import { throwIfAborted } from "../../abort.ts";
import { fileTooLarge, rangeOutOfBounds } from "../_failures.ts";

/** Bytes asked for per system call; the abort signal is looked at between two. */
const PIECE_BYTES = 4 * 2 ** 20;

/** Options of {@linkcode readOpenFile}. */
export interface ReadOpenFileOptions extends ReadOptions {
  readonly location: string;
  readonly limitBytes: number;
}

/** The bytes of a file, or of the range asked for. */
export async function readOpenFile(
  file: Deno.FsFile,
  options: ReadOpenFileOptions,
): Promise<Uint8Array> {
  const { location, limitBytes, signal } = options;
  const { size } = await file.stat();
  const { offset, length } = options.range ?? { offset: 0, length: size };
  if (offset + length > size) throw rangeOutOfBounds(location, size);
  if (length > limitBytes) throw fileTooLarge(location, { limitBytes });
  if (offset > 0) await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    throwIfAborted(signal);
    const count = await file.read(bytes.subarray(done, Math.min(done + PIECE_BYTES, length)));
    // Cut short by another process since its size was taken.
    if (count === null) throw rangeOutOfBounds(location, offset + done);
    done += count;
  }
  return bytes;
}
