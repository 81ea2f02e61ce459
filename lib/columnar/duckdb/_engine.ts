/**
 * The WebAssembly engine below {@linkcode DuckDb}: booted from a compiled module, without files and
 * without a network. The package's own runtime would read the disk through Node; every door of it is
 * nailed shut here, so that no SQL reaches a file even if a setting of the engine were got round.
 */
import * as packaged from "@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs";
import type { DataType } from "apache-arrow";

/** A scalar function in JavaScript; arguments are strings, numbers or null, row by row. */
export type ScalarFunction = (
  ...args: readonly (string | number | null)[]
) => string | number | null;

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
  readonly mod: { readonly HEAPU8: Uint8Array };
}

type Instantiated = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

interface EnginePackage {
  readonly NODE_RUNTIME: Record<string, unknown>;
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
