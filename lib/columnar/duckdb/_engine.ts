/**
 * The WebAssembly engine below {@linkcode DuckDb}: booted from a compiled module, without files and
 * without a network. The package's own runtime would read the disk through Node; every door of it is
 * nailed shut here, so that no SQL reaches a file even if a setting of the engine were got round.
 */
import * as packaged from "@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs";
import type { DataType } from "apache-arrow";

/** A scalar function in JavaScript, called row by row; null is a null of SQL. */
export type ScalarFunction = (...args: readonly (string | null)[]) => string | null;

/** The part of the package's bindings that drls calls. All calls are synchronous. */
export interface Engine {
  open(config: { readonly arrowLosslessConversion: boolean }): void;
  connect(): { readonly _conn: number };
  disconnect(connection: number): void;
  /** A result as an Arrow IPC file. */
  runQuery(connection: number, sql: string): Uint8Array;
  /** The schema message of the result, or null while the engine is still at work. */
  startPendingQuery(connection: number, sql: string, stream: boolean): Uint8Array | null;
  pollPendingQuery(connection: number): Uint8Array | null;
  cancelPendingQuery(connection: number): boolean;
  /** The next IPC message; empty at the end. */
  fetchQueryResults(connection: number): Uint8Array | null;
  /** Fails where `sql` holds more than one statement. */
  createPrepared(connection: number, sql: string): number;
  closePrepared(connection: number, statement: number): void;
  insertArrowFromIPCStream(
    connection: number,
    stream: Uint8Array,
    options: { readonly schema: string; readonly name: string; readonly create: boolean },
  ): void;
  createScalarFunction(
    connection: number,
    name: string,
    returns: DataType,
    fn: ScalarFunction,
  ): void;
  reset(): void;
  readonly mod: EngineMemory;
}

/** The engine's memory, as the package hands it around. */
interface EngineMemory {
  readonly HEAPU8: Uint8Array;
  readonly HEAPF64: Float64Array;
  _malloc(bytes: number): number;
}

type CallScalarFunction = (
  memory: EngineMemory,
  response: number,
  ...call: readonly number[]
) => void;

type Instantiated = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

interface EnginePackage {
  readonly NODE_RUNTIME: Record<string, unknown> & { callScalarUDF: CallScalarFunction };
  readonly VoidLogger: new () => unknown;
  createDuckDB(bundles: unknown, logger: unknown, runtime: unknown): Promise<
    Engine & {
      instantiate(onProgress: () => void): Promise<unknown>;
      instantiateWasm: (imports: WebAssembly.Imports, done: Instantiated) => unknown;
    }
  >;
}

/** Everything through which the engine could reach a file. */
const FILE_DOORS = [
  "openFile",
  "syncFile",
  "closeFile",
  "dropFile",
  "getLastFileModificationTime",
  "truncateFile",
  "readFile",
  "writeFile",
  "removeDirectory",
  "checkDirectory",
  "createDirectory",
  "listDirectoryEntries",
  "glob",
  "moveFile",
  "checkFile",
  "removeFile",
] as const;

/** Boots an engine. Takes some 0.5 s; the isolate must be allowed to ask for the processors. */
export async function bootEngine(module: WebAssembly.Module): Promise<Engine> {
  const { createDuckDB, NODE_RUNTIME: runtime, VoidLogger } = packageExports();
  for (const door of FILE_DOORS) {
    runtime[door] = () => {
      throw new Error(`Cannot ${door}: this engine has no files`);
    };
  }
  runtime.callScalarUDF = withTextResults(runtime.callScalarUDF);
  // Without the class, looking for an extension waits for ever on a thread that cannot fetch.
  Object.assign(globalThis, { XMLHttpRequest: NoNetwork });
  const bundles = { mvp: { mainModule: "" }, eh: { mainModule: "" } };
  const engine = await createDuckDB(bundles, new VoidLogger(), runtime);
  let failure: unknown = null;
  engine.instantiateWasm = (imports, done) => {
    Object.assign(globalThis, { DUCKDB_RUNTIME: runtime });
    WebAssembly.instantiate(module, imports).then(
      (instance) => done(instance, module),
      (error: unknown) => failure = error,
    );
    return [];
  };
  await engine.instantiate(() => {});
  if (failure !== null) throw failure;
  return engine;
}

const patched = new WeakSet<CallScalarFunction>();

/**
 * The package answers calls of text functions with the offset of each text, where the engine reads an
 * address (1.32.0). The last of five allocations but one holds the texts; its address is added.
 */
function withTextResults(call: CallScalarFunction): CallScalarFunction {
  if (patched.has(call)) return call;
  const corrected: CallScalarFunction = (memory, response, ...rest) => {
    const allocated: { readonly at: number; readonly bytes: number }[] = [];
    const recording = Object.create(memory, {
      _malloc: {
        value: (bytes: number) => {
          const at = memory._malloc(bytes);
          allocated.push({ at, bytes });
          return at;
        },
      },
    });
    call(recording, response, ...rest);
    const [offsets, , , texts] = allocated;
    if (allocated.length !== TEXT_ALLOCATIONS || offsets === undefined || texts === undefined) {
      return;
    }
    const first = offsets.at / Float64Array.BYTES_PER_ELEMENT;
    const count = offsets.bytes / Float64Array.BYTES_PER_ELEMENT;
    const heap = memory.HEAPF64;
    for (let i = first; i < first + count; i++) heap[i] = (heap[i] ?? 0) + texts.at;
  };
  patched.add(corrected);
  return corrected;
}

/** Offsets, validity, lengths, texts, response; results of other types take three. */
const TEXT_ALLOCATIONS = 5;

class NoNetwork {
  open(): void {}
  send(): never {
    throw new Error("Cannot fetch: this engine has no network");
  }
}

function packageExports(): EnginePackage {
  // CommonJS: what the package exports is the default.
  const { default: exports }: { readonly default?: unknown } = packaged;
  return exports as EnginePackage;
}
