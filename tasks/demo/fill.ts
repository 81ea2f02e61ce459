/** Fills a warehouse with the sample tables: four that are sick, each in its own way, and a sound one. */
import { openCatalog } from "../../lib/catalog/mod.ts";
import { initParquet } from "../../lib/columnar/parquet/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";
import { seededRandom } from "./random.ts";
import { fillCustomers, fillEvents, fillOrders, fillStock, type Story } from "./shop.ts";
import { HOUR_MS } from "./times.ts";
import { fillSessions } from "./web.ts";

/** Every table's story; each draws from a seed of its own, so that they may be told at once. */
const STORIES: readonly ((story: Story) => Promise<void>)[] = [
  fillOrders,
  fillEvents,
  fillStock,
  fillCustomers,
  fillSessions,
];

/** Options of {@linkcode fillWarehouse}. */
export interface FillOptions {
  /** An absolute path; the folder exists and is empty. */
  readonly warehouse: string;
  /** The stories end shortly before this moment. */
  readonly nowMs: number;
}

/** Writes all sample tables. The rows are the same each time, but for the weeks they fall into. */
export async function fillWarehouse({ warehouse, nowMs }: FillOptions): Promise<void> {
  initParquet(await loadWasmModule("parquet"));
  const { signal } = new AbortController();
  const endMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  await Promise.all(STORIES.map(async (tell, seed) => {
    let createdMs = endMs;
    const catalog = openCatalog({
      type: "hadoop",
      name: "drls",
      warehouse,
      uri: null,
      extraProps: {},
    }, { dataDir: null, storageRoots: [], clock: { now: () => createdMs } });
    const setClock = (ms: number) => createdMs = ms;
    await tell({ catalog, signal, random: seededRandom(seed + 1), nowMs: endMs, setClock });
    await catalog.close();
  }));
}
