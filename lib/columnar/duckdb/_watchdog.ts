/**
 * Ends a synchronous call that takes too long. An isolate that computes hears nothing, and its thread
 * goes on even when it is terminated (measured on Deno 2.9.6, in JavaScript as in WebAssembly): one
 * query could keep a core busy for as long as the process lives. The timeout of a `node:vm` script is
 * kept by a thread of its own and interrupts WebAssembly too, for some 40 µs a call.
 */
import { Script } from "node:vm";

/** A call that was cut off; what it worked on is in an unknown state. */
export class CutOff extends Error {
  override readonly name = "CutOff";
}

const SLOT = "drls.watched";
const script = new Script(`globalThis[${JSON.stringify(SLOT)}]()`);

/** Runs `call`; throws {@linkcode CutOff} after `timeoutMs`. */
export function callWithin<T>(call: () => T, timeoutMs: number): T {
  let result: { readonly value: T } | null = null;
  const watched = () => void (result = { value: call() });
  Object.assign(globalThis, { [SLOT]: watched });
  try {
    script.runInThisContext({ timeout: Math.max(1, Math.ceil(timeoutMs)) });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    // It may have come through while the clock ran out.
    if (result === null) throw new CutOff(`Cut off after ${timeoutMs} ms`, { cause: error });
  }
  return resultOf(result);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}

function resultOf<T>(result: { readonly value: T } | null): T {
  if (result === null) throw new TypeError("A call without its result");
  return result.value;
}
