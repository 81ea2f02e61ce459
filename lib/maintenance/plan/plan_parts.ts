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
/** What a part may have beyond the size it was asked for, so that rounding makes no part too many. */
const SIZE_TOLERANCE = 1.05;
/** Rounds of all isolates below which each is to be full. */
const FEW_ROUNDS = 4;
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
  const { groupBytes, maxBytes, width } = options;
  const largest = Math.max(1, Math.min(rowGroupSize(options), maxBytes));
  const size = Math.min(largest, Math.max(MIN_PARALLEL_BYTES, Math.ceil(groupBytes / width)));
  const parts = Math.ceil(groupBytes / (size * SIZE_TOLERANCE));
  // Of three parts one would keep one of two isolates waiting; of many nobody minds the last.
  const isFew = parts > width && parts < FEW_ROUNDS * width;
  return isFew ? Math.ceil(groupBytes / (Math.ceil(parts / width) * width)) : size;
}

/** Smallest row group that is passed on as it is, in bytes. */
export const MIN_COPIED_BYTES = 4 * 1024 * 1024;
/** The same as a share of a new one. */
const MIN_COPIED_SHARE = 1 / 8;
/** Largest one, as a multiple of a new one's. */
const MAX_COPIED_FACTOR = 1.25;

/** Whether a row group of `bytes` is good as it is: neither far from the size of new ones, nor tiny. */
export function hasRightSize(
  bytes: number,
  options: Pick<PartSizeOptions, "rollBytes" | "rowGroupBytes">,
): boolean {
  const wanted = rowGroupSize(options);
  return bytes >= Math.max(MIN_COPIED_BYTES, wanted * MIN_COPIED_SHARE) &&
    bytes <= wanted * MAX_COPIED_FACTOR;
}

function rowGroupSize(
  { rollBytes, rowGroupBytes }: Pick<PartSizeOptions, "rollBytes" | "rowGroupBytes">,
): number {
  return Math.min(rowGroupBytes, Math.ceil(rollBytes / PARTS_PER_FILE));
}

/** A file with its size in bytes, and the row groups that are wanted of it where it may be cut. */
export interface PartSource<F> {
  readonly file: F;
  readonly bytes: number;
  readonly rowGroups: readonly { readonly at: number; readonly bytes: number }[] | null;
}

/**
 * Cuts files, in their order, into as many parts as `size` bytes for each make, all about equally
 * large: isolates that work side by side are done together. Row groups are never cut.
 */
export function planParts<F>(
  sources: Iterable<PartSource<F>>,
  size: number,
): readonly Part<F>[] {
  const units = [...unitsOf(sources)];
  const totalBytes = units.reduce((sum, { bytes }) => sum + bytes, 0);
  const count = Math.max(1, Math.ceil(totalBytes / (size * SIZE_TOLERANCE)));
  const parts: { readonly inputs: PartInput<F>[]; bytes: number }[] = [];
  let doneBytes = 0;
  let last = -1;
  for (const input of units) {
    // A unit belongs to the part that its middle lies in.
    const middle = (doneBytes + input.bytes / 2) / Math.max(1, totalBytes);
    const at = Math.min(count - 1, Math.floor(middle * count));
    if (at !== last) parts.push({ inputs: [], bytes: 0 });
    last = at;
    const part = parts.at(-1)!;
    part.inputs.push(input);
    part.bytes += input.bytes;
    doneBytes += input.bytes;
  }
  return parts.map(({ inputs, bytes }) => ({ inputs: joined(inputs), bytes }));
}

function* unitsOf<F>(sources: Iterable<PartSource<F>>): Generator<PartInput<F>> {
  for (const { file, bytes, rowGroups } of sources) {
    if (rowGroups === null) yield { file, rowGroups: null, bytes };
    else for (const { at, bytes } of rowGroups) yield { file, rowGroups: [at], bytes };
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
