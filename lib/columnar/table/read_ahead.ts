/**
 * Reads many files one after another, and fetches the next ones meanwhile. Tables of small files lie
 * in stores where each file costs a round trip or two, which would add up.
 */

/** Files that are being fetched beside the one that is read. */
const MAX_AHEAD = 8;
/** Bytes of these files, as they lie in the store; a file beyond is fetched when its turn comes. */
const MAX_AHEAD_BYTES = 8 * 1024 * 1024;

/** Options of {@linkcode readAhead}. */
export interface ReadAheadOptions<F, B> {
  /** Opens a file for reading; its first batch is asked for ahead of its turn. */
  readonly read: (file: F) => AsyncGenerator<B, void, undefined>;
  readonly bytesOf: (file: F) => number;
}

interface Opened<B> {
  readonly batches: AsyncGenerator<B, void, undefined>;
  readonly first: Promise<IteratorResult<B, void>>;
  readonly bytes: number;
}

/** The batches of all files, in order. */
export async function* readAhead<F, B>(
  files: AsyncIterable<F>,
  { read, bytesOf }: ReadAheadOptions<F, B>,
): AsyncGenerator<B, void, undefined> {
  const opened: Opened<B>[] = [];
  let aheadBytes = 0;
  const takeNext = async function* (): AsyncGenerator<B, void, undefined> {
    const file = opened.shift();
    if (file === undefined) return;
    aheadBytes -= file.bytes;
    try {
      for (let next = await file.first; next.done !== true; next = await file.batches.next()) {
        yield next.value;
      }
    } finally {
      await file.batches.return();
    }
  };
  try {
    for await (const file of files) {
      const bytes = bytesOf(file);
      while (opened.length > 0 && !fits({ opened: opened.length, bytes: aheadBytes + bytes })) {
        yield* takeNext();
      }
      const batches = read(file);
      const first = batches.next();
      first.catch(() => {
        // Whoever reads the file hears of it; that may be nobody, where a file before it fails.
      });
      opened.push({ batches, first, bytes });
      aheadBytes += bytes;
    }
    while (opened.length > 0) yield* takeNext();
  } finally {
    await Promise.allSettled(opened.map(({ batches }) => batches.return()));
  }
}

function fits({ opened, bytes }: { readonly opened: number; readonly bytes: number }): boolean {
  return opened < MAX_AHEAD && bytes <= MAX_AHEAD_BYTES;
}
