/** Makes the Parquet codec ready in the isolate of a test, as a table isolate's first message does. */
import { initParquet } from "../../lib/columnar/parquet/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";

/** Loads the codec; to be awaited at the top of a test file. */
export async function readyParquet(): Promise<void> {
  initParquet(await loadWasmModule("parquet"));
}
