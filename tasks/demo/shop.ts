/** The sample namespace `shop`: orders that trickle in, events with bots, stock levels, customers. */
import { type Row, type SampleCatalog, SampleTable } from "./sample_table.ts";
import type { Random } from "./random.ts";
import { atMicros, DAY_MS, HOUR_MS, startOfDay } from "./times.ts";

/** What a table's story is told from. */
export interface Story extends SampleCatalog {
  readonly random: Random;
  /** The newest snapshot is older than this. */
  readonly nowMs: number;
  /** The clock that new tables are created by. */
  readonly setClock: (nowMs: number) => void;
}

/** Customers that there are: orders and events refer to them. */
const CUSTOMERS = 2_000;
/** Appends to the orders, one every two hours for three weeks. */
const ORDER_APPENDS = 252;
const ORDER_PERIOD_MS = 2 * HOUR_MS;
/** Days of events, each written the night after. */
const EVENT_DAYS = 14;
const EVENTS_PER_DAY = 2_000;
/** One event in so many comes from a bot, and is deleted once that is known. */
const BOT_SHARE = 4;
const STOCK_UPSERTS = 60;
const STOCK_PERIOD_MS = 6 * HOUR_MS;
const PRODUCTS = 400;

const COUNTRIES = ["AT", "BE", "CH", "DE", "DE", "DE", "DK", "ES", "FR", "FR", "IT", "NL", "PL"];
const STATUSES = ["paid", "paid", "paid", "shipped", "shipped", "returned", "cancelled"];
const EVENT_TYPES = ["view", "view", "view", "search", "add_to_cart", "checkout"];
const FIRST_NAMES = ["Ada", "Bruno", "Clara", "Dario", "Elif", "Femke", "Goran", "Hanna", "Ivo"];
const LAST_NAMES = ["Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Greco", "Horvat", "Jansen"];
const WAREHOUSES = ["Antwerp", "Leipzig", "Lyon", "Verona"];

/** Written once, in one file: nothing ails it. */
export async function fillCustomers(story: Story): Promise<void> {
  const { random, nowMs } = story;
  const atMs = nowMs - 24 * DAY_MS;
  story.setClock(atMs - HOUR_MS);
  const table = await SampleTable.create({
    namespace: "shop",
    name: "customers",
    columns: [
      ["customer_id", "bigint!"],
      ["name", "string"],
      ["country", "string", "ISO 3166 code of the billing address"],
      ["since", "date"],
      ["newsletter", "boolean"],
    ],
    identifierColumns: ["customer_id"],
  }, story);
  const today = Math.floor(atMs / DAY_MS);
  const rows = Array.from({ length: CUSTOMERS }, (_, i): Row => [
    BigInt(i + 1),
    `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`,
    random.pick(COUNTRIES),
    today - random.below(1_500),
    random.below(3) === 0,
  ]);
  await table.append(rows, atMs);
}

/** A stream that commits every two hours: hundreds of tiny files, and a snapshot for each. */
export async function fillOrders(story: Story): Promise<void> {
  const { random, nowMs } = story;
  const firstMs = nowMs - ORDER_APPENDS * ORDER_PERIOD_MS;
  story.setClock(firstMs - HOUR_MS);
  const table = await SampleTable.create({
    namespace: "shop",
    name: "orders",
    columns: [
      ["order_id", "bigint!"],
      ["customer_id", "bigint!"],
      ["ordered_at", "timestamp!"],
      ["status", "string"],
      ["items", "int"],
      ["amount", "decimal(10,2)", "In euros, taxes included"],
    ],
  }, story);
  let orderId = 100_000;
  for (let i = 0; i < ORDER_APPENDS; i++) {
    const startMs = firstMs + i * ORDER_PERIOD_MS;
    const count = 10 + random.below(60);
    const rows = Array.from({ length: count }, (_, n): Row => {
      const items = 1 + random.below(6);
      return [
        BigInt(++orderId),
        BigInt(1 + random.below(CUSTOMERS)),
        atMicros(startMs + (n + random.below(1000) / 1000) / count * ORDER_PERIOD_MS),
        random.pick(STATUSES),
        items,
        BigInt(items * (499 + random.below(8_000))),
      ];
    });
    await table.append(rows, startMs + ORDER_PERIOD_MS);
  }
}

/** A file a day, of which a quarter was deleted the night after: readers filter it every time. */
export async function fillEvents(story: Story): Promise<void> {
  const { random, nowMs } = story;
  const firstMs = startOfDay(nowMs) - (EVENT_DAYS + 1) * DAY_MS;
  story.setClock(firstMs);
  const table = await SampleTable.create({
    namespace: "shop",
    name: "events",
    columns: [
      ["event_id", "bigint!"],
      ["event_time", "timestamp!"],
      ["event_type", "string"],
      ["customer_id", "bigint", "Null for visitors that are not signed in"],
      ["product_id", "int"],
      ["user_agent", "string"],
    ],
    partitionBy: ["day(event_time)"],
    properties: { "write.delete.mode": "merge-on-read" },
    formatVersion: 3,
  }, story);
  let eventId = 0;
  for (let day = 0; day < EVENT_DAYS; day++) {
    const startMs = firstMs + day * DAY_MS;
    const bots: number[] = [];
    const rows = Array.from({ length: EVENTS_PER_DAY }, (_, n): Row => {
      const isBot = random.below(BOT_SHARE) === 0;
      if (isBot) bots.push(n);
      const signedIn = !isBot && random.below(3) > 0;
      return [
        BigInt(++eventId),
        atMicros(startMs + Math.floor(n / EVENTS_PER_DAY * DAY_MS)),
        random.pick(EVENT_TYPES),
        signedIn ? BigInt(1 + random.below(CUSTOMERS)) : null,
        1 + random.below(PRODUCTS),
        isBot ? "pricebot/2.1" : random.pick(["Firefox", "Safari", "Chrome", "Chrome"]),
      ];
    });
    const [file, ...more] = await table.append(rows, startMs + DAY_MS + HOUR_MS / 3);
    if (file === undefined || more.length > 0) throw new TypeError("A day fits into one file");
    await table.deleteRows([{ file, positions: bots }], startMs + DAY_MS + 2 * HOUR_MS);
  }
}

/** Levels that are replaced by key, without looking: equality deletes that every reader merges. */
export async function fillStock(story: Story): Promise<void> {
  const { random, nowMs } = story;
  const firstMs = nowMs - STOCK_UPSERTS * STOCK_PERIOD_MS;
  story.setClock(firstMs - HOUR_MS);
  const table = await SampleTable.create({
    namespace: "shop",
    name: "stock",
    columns: [
      ["product_id", "int!"],
      ["warehouse", "string"],
      ["on_hand", "int"],
      ["counted_at", "timestamp"],
    ],
    identifierColumns: ["product_id"],
  }, story);
  const level = (product: number, atMs: number): Row => [
    product,
    WAREHOUSES[product % WAREHOUSES.length] ?? null,
    random.below(250),
    atMicros(atMs),
  ];
  const products = Array.from({ length: PRODUCTS }, (_, i) => i + 1);
  await table.append(products.map((product) => level(product, firstMs)), firstMs);
  for (let i = 1; i < STOCK_UPSERTS; i++) {
    const atMs = firstMs + i * STOCK_PERIOD_MS;
    const sold = products.filter(() => random.below(8) === 0);
    await table.upsert(sold.map((product) => level(product, atMs)), { key: "product_id", atMs });
  }
}
