/**
 * The WebAssembly modules that table isolates need, compiled once for all of them. The one door of
 * `lib/columnar` for the main isolate: it loads no code of the packages, only their bytes. Compiled
 * modules cross to isolates by `postMessage`, which copies neither bytes nor machine code.
 */
import { AppError } from "../../errors.ts";

/** Compiled modules, for `initParquet` and `DuckDb`. */
export interface WasmModules {
  readonly parquet: WebAssembly.Module;
  readonly duckdb: WebAssembly.Module;
}

/**
 * `code` is never called. That a module imports a package, be it like this, is what lets Deno find
 * the package's files, and the compiler take them in.
 */
const SOURCES = {
  parquet: {
    file: "parquet-wasm/esm/parquet_wasm_bg.wasm",
    code: () => import("parquet-wasm/esm"),
  },
  duckdb: {
    file: "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm",
    code: () => import("@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs"),
  },
} as const;

const loading = new Map<keyof WasmModules, Promise<WebAssembly.Module>>();

/** Both modules. */
export async function loadWasmModules(): Promise<WasmModules> {
  const [parquet, duckdb] = await Promise.all([
    loadWasmModule("parquet"),
    loadWasmModule("duckdb"),
  ]);
  return { parquet, duckdb };
}

/**
 * One module: read from its package and compiled at the first call. A failure is `internal` (code
 * `wasm_unavailable`), and the next call tries again.
 */
export async function loadWasmModule(name: keyof WasmModules): Promise<WebAssembly.Module> {
  let module = loading.get(name);
  if (module === undefined) {
    module = compile(name);
    loading.set(name, module);
    module.catch(() => loading.delete(name));
  }
  return await module;
}

async function compile(name: keyof WasmModules): Promise<WebAssembly.Module> {
  try {
    // Inside a compiled program this is a path of its own file system, packages included.
    const bytes = await Deno.readFile(new URL(import.meta.resolve(SOURCES[name].file)));
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new AppError(
      "internal",
      "wasm_unavailable",
      `Cannot load the WebAssembly module "${name}": the installation is incomplete`,
      { cause },
    );
  }
}
