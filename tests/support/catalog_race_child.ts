/**
 * A process that commits to one table as often as it is told, for tests in which several race.
 * Usage: `catalog_race_child.ts <order as JSON>`; prints what became of its commits as JSON.
 */
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import type { RaceOrder } from "./catalog_race.ts";
import { raceColumns, storeOf } from "./writable_tables.ts";

const order: RaceOrder = JSON.parse(Deno.args[0] ?? "");
const options = { dataDir: null, storageRoots: [] };
const catalog = openCatalog(parseCatalogConfig(order.config, options), options);
const location = await catalog.locate(order.table);
/** All start together, so that they really meet. */
await new Promise((resolve) => setTimeout(resolve, order.startAtMs - Date.now()));
const stores = Array.from({ length: order.stores }, () => storeOf(catalog, location));
console.log(JSON.stringify(await raceColumns(stores, order)));
await catalog.close();
