/** Byte arrays that move from one isolate to another instead of being copied. */

/** Deepest nesting that is looked into. */
const MAX_DEPTH = 8;

/** A message's value and the buffers that go with it. */
export interface Movable {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}

/**
 * Readies a plain value: each byte array moves with its buffer. One that sees only a part of its
 * buffer (a chunk of a request, a view on WebAssembly memory) is copied first: posting it would copy
 * all of what it lies in.
 */
export function movable(value: unknown): Movable {
  const buffers = new Set<ArrayBuffer>();
  const ready = prepare(value, buffers, MAX_DEPTH);
  return { value: ready, transfer: [...buffers] };
}

function prepare(value: unknown, buffers: Set<ArrayBuffer>, depth: number): unknown {
  if (value instanceof Uint8Array) return prepareBytes(value, buffers);
  if (value === null || typeof value !== "object" || depth === 0) return value;
  if (Array.isArray(value)) return value.map((one) => prepare(one, buffers, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, prepare(one, buffers, depth - 1)]),
  );
}

function prepareBytes(bytes: Uint8Array, buffers: Set<ArrayBuffer>): Uint8Array {
  const whole = bytes.buffer instanceof ArrayBuffer &&
      bytes.byteLength === bytes.buffer.byteLength && !buffers.has(bytes.buffer)
    ? bytes as Uint8Array<ArrayBuffer>
    : new Uint8Array(bytes);
  buffers.add(whole.buffer);
  return whole;
}
