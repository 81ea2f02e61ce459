/**
 * Giving memory back at once. The garbage collector does not hurry for byte arrays, whose memory lies
 * outside of its heap: those that are large and short-lived would pile up.
 */

/** Frees the buffers that these bytes lie in, each with all of its other views; they are empty then. */
export function releaseBytes(...parts: readonly Uint8Array[]): void {
  const buffers = new Set(parts.map(({ buffer }) => buffer));
  for (const buffer of buffers) {
    // Shared memory is not this isolate's alone.
    if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}
