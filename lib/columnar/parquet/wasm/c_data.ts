/**
 * Arrow arrays as they lie in WebAssembly memory, by Arrow's C data interface: addresses and lengths,
 * no data. Good until anything allocates there, so that copies are made before the next call.
 */

/** One array (`struct ArrowArray`, with pointers of 32 bits). */
export interface CArray {
  readonly length: number;
  readonly nullCount: number;
  /** Values in front of the first one. */
  readonly offset: number;
  /** Addresses; 0 for a buffer that is not there. */
  readonly buffers: readonly number[];
  readonly children: readonly CArray[];
}

/** Offsets of the members of `struct ArrowArray`. */
const LENGTH = 0;
const NULL_COUNT = 8;
const OFFSET = 16;
const BUFFER_COUNT = 24;
const CHILD_COUNT = 32;
const BUFFERS = 40;
const CHILDREN = 44;

const POINTER_BYTES = 4;

/** Reads the array at an address, children included. */
export function readCArray(memory: DataView, address: number): CArray {
  const pointers = (count: number, list: number) =>
    Array.from(
      { length: int(memory, address + count) },
      (_, at) =>
        memory.getUint32(memory.getUint32(address + list, true) + POINTER_BYTES * at, true),
    );
  return {
    length: int(memory, address + LENGTH),
    nullCount: int(memory, address + NULL_COUNT),
    offset: int(memory, address + OFFSET),
    buffers: pointers(BUFFER_COUNT, BUFFERS),
    children: pointers(CHILD_COUNT, CHILDREN).map((child) => readCArray(memory, child)),
  };
}

/** Lengths are those of arrays in this memory: 64 bits wide and below 2^32. */
function int(memory: DataView, address: number): number {
  return Number(memory.getBigInt64(address, true));
}
