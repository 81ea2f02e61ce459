/**
 * The WebAssembly instance of parquet-wasm in this isolate, and calls into it.
 *
 * Rust code that panics ends in a trap, which leaves the instance's stack and heap as they were in
 * mid-call: nothing may be called in it afterwards. And an instance's memory never shrinks. For both
 * reasons instances are replaced, which the package's own JavaScript does not provide for: it binds
 * to the first one for ever. So it is given an object of ours in place of an instance's exports, and
 * that object is pointed at the next instance.
 */
import * as glue from "parquet-wasm/esm";
import { AppError } from "../../../errors.ts";

/** What calls get: the package's functions and classes. */
export type ParquetWasm = typeof glue;

/** An object that lives in WebAssembly memory. */
interface WasmObject {
  free(): void;
}

/** Takes objects that are to be freed after a call, whatever becomes of it. */
export type Own = <T extends WasmObject>(object: T) => T;

/** Memory above which an instance is replaced once its call is over, in bytes. */
export const MAX_KEPT_MEMORY_BYTES = 1024 * 1024 * 1024;

/** What a failed call threw: an error of the Rust code, or a trap. */
export class ParquetWasmError extends Error {
  override readonly name = "ParquetWasmError";
  /** Whether the instance was lost; it is replaced before the next call. */
  readonly trapped: boolean;

  constructor(cause: unknown, trapped: boolean) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.trapped = trapped;
  }
}

let module: WebAssembly.Module | null = null;
let current: Instance | null = null;
let instances = 0;

/**
 * Sets the compiled module of `parquet-wasm/esm/parquet_wasm_bg.wasm`; the first caller wins. To be
 * called before anything else of this folder.
 */
export function initParquet(compiled: WebAssembly.Module): void {
  module ??= compiled;
}

/** How many instances this isolate has made so far. */
export function countInstances(): number {
  return instances;
}

/** Bytes of the instance's memory, which only ever grows. */
export function wasmMemoryBytes(): number {
  return current?.memoryBytes ?? 0;
}

/**
 * Runs one synchronous call. What the package throws comes out as {@linkcode ParquetWasmError};
 * errors of ours pass. Nothing that lives in WebAssembly memory may leave `work`.
 */
export function withParquetWasm<T>(work: (wasm: ParquetWasm, own: Own) => T): T {
  const instance = current ??= newInstance();
  const owned: WasmObject[] = [];
  let isLost = false;
  try {
    return work(glue, (object) => {
      owned.push(object);
      return object;
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    isLost = !isRustError(error);
    throw new ParquetWasmError(error, isLost);
  } finally {
    for (const object of owned.reverse()) release(object, isLost);
    if (isLost || instance.memoryBytes > MAX_KEPT_MEMORY_BYTES) {
      instance.retire();
      current = null;
    }
  }
}

/** The memory as it is now: any call may move it, and then this buffer is empty. */
export function memoryOf(wasm: ParquetWasm): ArrayBuffer {
  const { buffer } = wasm.wasmMemory() as WebAssembly.Memory;
  if (buffer instanceof ArrayBuffer) return buffer;
  throw new TypeError("Cannot use the shared memory of parquet-wasm");
}

/** Errors that Rust returns arrive as plain `Error`; traps are `RuntimeError`, `RangeError`. */
function isRustError(error: unknown): boolean {
  return error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
}

/** Frees an object, or only forgets it where its memory is gone. */
function release(object: WasmObject, isLost: boolean): void {
  const known = object as WasmObject & {
    readonly __wbg_ptr: number;
    __destroy_into_raw(): number;
  };
  if (known.__wbg_ptr === 0) return; // A call consumed it.
  // What is not forgotten, the garbage collector frees later: inside the next instance.
  if (isLost) known.__destroy_into_raw();
  else object.free();
}

interface Instance {
  readonly memoryBytes: number;
  retire(): void;
}

/** What the package takes for the exports of its one instance. */
const exportsInUse: Record<string, unknown> = {};
let imports: WebAssembly.Imports | null = null;

function newInstance(): Instance {
  if (module === null) throw new TypeError("Cannot decode Parquet before initParquet() was called");
  const exports = imports === null ? bindPackage(module) : rebindPackage(module, imports);
  instances++;
  const memory = exports.memory as WebAssembly.Memory;
  return {
    get memoryBytes() {
      return memory.buffer.byteLength;
    },
    // Growing detaches the buffer: the package drops its cached views of it.
    retire: () => void memory.grow(0),
  };
}

/** First instance: lets the package make it, and stands in for its exports. */
function bindPackage(compiled: WebAssembly.Module): WebAssembly.Exports {
  const { Instance } = WebAssembly;
  let made: WebAssembly.Exports | null = null;
  const standIn = function (source: WebAssembly.Module, given: WebAssembly.Imports) {
    imports = given;
    made = new Instance(source, given).exports;
    Object.assign(exportsInUse, made);
    return { exports: exportsInUse };
  };
  Object.assign(WebAssembly, { Instance: standIn });
  try {
    glue.initSync({ module: compiled });
  } finally {
    Object.assign(WebAssembly, { Instance });
  }
  if (made === null) throw new TypeError("Cannot take over the instance of parquet-wasm");
  return made;
}

function rebindPackage(
  compiled: WebAssembly.Module,
  given: WebAssembly.Imports,
): WebAssembly.Exports {
  const { exports } = new WebAssembly.Instance(compiled, given);
  Object.assign(exportsInUse, exports);
  (exports.__wbindgen_start as () => void)();
  return exports;
}
