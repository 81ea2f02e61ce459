/** Cuts a group into parts that are encoded one by one: each becomes a row group, or a few. */

/** A file, or some row groups of it. */
export interface PartInput<F> {
  readonly file: F;
  /** Numbers of row groups; null for all of them. */
  readonly rowGroups: readonly number[] | null;
  readonly bytes: number;
}

/** Inputs that are encoded together. */
export interface Part<F> {
  readonly inputs: readonly PartInput<F>[];
  readonly bytes: number;
}

/** Smallest part that is worth a row group of its own only to have more isolates at work, in bytes. */
const MIN_PARALLEL_BYTES = 8 * 1024 * 1024;
/** Parts of a file at least: where files end can be told that finely. */
const PARTS_PER_FILE = 4;

/** Options of {@linkcode partSize}. */
export interface PartSizeOptions {
  readonly groupBytes: number;
  /** Size at which a file is full. */
  readonly rollBytes: number;
  /** `write.parquet.row-group-size-bytes`. */
  readonly rowGroupBytes: number;
  /** Largest part that memory allows. */
  readonly maxBytes: number;
  /** Isolates that could work at a time. */
  readonly width: number;
}

/** Bytes of input that one part has: the size of a row group, or less to keep every isolate busy. */
export function partSize(options: PartSizeOptions): number {
  const { groupBytes, rollBytes, rowGroupBytes, maxBytes, width } = options;
  const largest = Math.max(
    1,
    Math.min(
      rowGroupBytes,
      Math.ceil(rollBytes / PARTS_PER_FILE),
      maxBytes,
    ),
  );
  return Math.min(largest, Math.max(MIN_PARALLEL_BYTES, Math.ceil(groupBytes / width)));
}

/** A file with its size in bytes, and that of each of its row groups where it is to be cut. */
export interface PartSource<F> {
  readonly file: F;
  readonly bytes: number;
  readonly rowGroups: readonly number[] | null;
}

/** Cuts files, in their order, into parts of about `size` bytes; row groups are never cut. */
export function planParts<F>(
  sources: Iterable<PartSource<F>>,
  size: number,
): readonly Part<F>[] {
  const parts: Part<F>[] = [];
  let inputs: PartInput<F>[] = [];
  let bytes = 0;
  const close = () => {
    if (inputs.length > 0) parts.push({ inputs, bytes });
    inputs = [];
    bytes = 0;
  };
  for (const input of unitsOf(sources)) {
    // Whichever is nearer to the size: without this input, or with it.
    if (bytes > 0 && bytes + input.bytes / 2 > size) close();
    inputs.push(input);
    bytes += input.bytes;
    if (bytes >= size) close();
  }
  close();
  return parts.map((part) => ({ ...part, inputs: joined(part.inputs) }));
}

function* unitsOf<F>(sources: Iterable<PartSource<F>>): Generator<PartInput<F>> {
  for (const { file, bytes, rowGroups } of sources) {
    if (rowGroups === null) yield { file, rowGroups: null, bytes };
    else for (const [at, size] of rowGroups.entries()) yield { file, rowGroups: [at], bytes: size };
  }
}

/** Row groups of one file that follow each other are one input. */
function joined<F>(inputs: readonly PartInput<F>[]): readonly PartInput<F>[] {
  const found: PartInput<F>[] = [];
  for (const input of inputs) {
    const last = found.at(-1);
    if (last?.file === input.file && last.rowGroups !== null && input.rowGroups !== null) {
      const rowGroups = [...last.rowGroups, ...input.rowGroups];
      found[found.length - 1] = { ...last, rowGroups, bytes: last.bytes + input.bytes };
    } else found.push(input);
  }
  return found;
}
