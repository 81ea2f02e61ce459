/** Fetching column chunks: neighbouring ones with one read, large ones with several. */
import { mapConcurrently } from "../../../concurrency.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import type { ChunkRange } from "../footer/read_footer.ts";

/** Bytes between two chunks that are read rather than skipped. */
export const MAX_GAP_BYTES = 128 * 1024;

/** Bytes of one read. */
export const MAX_READ_BYTES = 32 * 1024 * 1024;

/** Reads under way at a time. */
export const READ_CONCURRENCY = 4;

/** Options of {@linkcode fetchChunks}. */
export interface FetchChunksOptions {
  readonly location: string;
  readonly signal?: AbortSignal | undefined;
  /** The whole file, where it is in memory already. */
  readonly file: Uint8Array | null;
  /** Bytes to leave free at the end of the buffer. */
  readonly room: number;
}

/** Chunks side by side in one buffer. */
export interface FetchedChunks {
  readonly bytes: Uint8Array;
  /** Where each chunk begins in `bytes`, in the order of the request. */
  readonly offsets: readonly number[];
}

interface Span {
  readonly offset: number;
  end: number;
  /** Where the span goes in the buffer. */
  at: number;
}

/** Reads chunks into one buffer. Errors are those of `io`. */
export async function fetchChunks(
  io: FileIo,
  chunks: readonly ChunkRange[],
  options: FetchChunksOptions,
): Promise<FetchedChunks> {
  const { location, signal, room, file } = options;
  const spans = joinRanges(chunks);
  let length = 0;
  for (const span of spans) {
    span.at = length;
    length += span.end - span.offset;
  }
  const pieces = spans.flatMap((span) => splitSpan(span));
  const offsets = chunks.map((chunk) => placeOf(chunk, spans));
  const read = async ({ offset, length }: ChunkRange) =>
    await io.read(location, {
      range: { offset, length },
      ...(signal === undefined ? {} : { signal }),
    });
  const [only, ...others] = pieces;
  if (file === null && room === 0 && only !== undefined && others.length === 0) {
    return { bytes: await read(only.range), offsets };
  }
  const bytes = new Uint8Array(length + room);
  await mapConcurrently(pieces, async ({ range, at }) => {
    if (file !== null) {
      bytes.set(file.subarray(range.offset, range.offset + range.length), at);
      return;
    }
    const piece = await read(range);
    bytes.set(piece, at);
    releaseBytes(piece);
  }, { limit: READ_CONCURRENCY, signal });
  return { bytes, offsets };
}

/** Joins ranges with at most {@linkcode MAX_GAP_BYTES} between them. */
function joinRanges(chunks: readonly ChunkRange[]): readonly Span[] {
  const sorted = chunks.filter(({ length }) => length > 0).sort((a, b) => a.offset - b.offset);
  const spans: Span[] = [];
  for (const { offset, length } of sorted) {
    const last = spans.at(-1);
    if (last !== undefined && offset <= last.end + MAX_GAP_BYTES) {
      last.end = Math.max(last.end, offset + length);
    } else {
      spans.push({ offset, end: offset + length, at: 0 });
    }
  }
  return spans;
}

function splitSpan(span: Span): readonly { range: ChunkRange; at: number }[] {
  const pieces: { range: ChunkRange; at: number }[] = [];
  for (let offset = span.offset; offset < span.end; offset += MAX_READ_BYTES) {
    const length = Math.min(MAX_READ_BYTES, span.end - offset);
    pieces.push({ range: { offset, length }, at: span.at + offset - span.offset });
  }
  return pieces;
}

function placeOf(chunk: ChunkRange, spans: readonly Span[]): number {
  const span = spans.find(({ offset, end }) => chunk.offset >= offset && chunk.offset < end);
  return span === undefined ? 0 : span.at + chunk.offset - span.offset;
}
