/**
 * Random tables that drls writes and rewrites, read by other engines after every step. The seed is
 * always the same, unless `CONFORMANCE_SEED` says otherwise; `CONFORMANCE_RUNS` says how many times
 * as many tables there are, `CONFORMANCE_TABLE` picks one of them.
 */
import assert from "node:assert/strict";
import { type Catalog, openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { isPrimitive } from "../../lib/iceberg/spec/types.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { peerTest } from "./_peers.ts";
import { ModelTable } from "./_read_back/model_table.ts";
import {
  CHANGE_KINDS,
  randomChange,
  randomDefinition,
  randomRows,
  sharePartitionings,
  specChanges,
} from "./_read_back/plans.ts";
import { randomPredicate } from "./_read_back/predicates.ts";
import { Random } from "./_read_back/random.ts";
import type { Abilities } from "./_read_back/random_types.ts";
import { type Engine, Readers } from "./_read_back/readers.ts";
import { inTempDir, OPTIONS } from "./_snapshot_tables.ts";

await readyParquet();

const SEED = Number(Deno.env.get("CONFORMANCE_SEED") ?? 3);
const RUNS = Number(Deno.env.get("CONFORMANCE_RUNS") ?? 1);
const ONLY = Deno.env.get("CONFORMANCE_TABLE");

/** Of each format version, for Spark and the others, and for the others alone. */
const TABLES: readonly Abilities[] = ([1, 2, 3] as const).flatMap((formatVersion) =>
  [true, false, true, true, false, true, false].map((forSpark) => ({ formatVersion, forSpark }))
);
const ROWS = 20;
/** Predicates for each table, after these steps. */
const PREDICATES = 4;
const ASKED: ReadonlySet<string> = new Set(["appended in the new shape", "compacted"]);

interface RandomTable {
  readonly index: number;
  readonly random: Random;
  readonly abilities: Abilities;
  readonly partitionings: ReturnType<typeof sharePartitionings>[number];
  readonly table: ModelTable;
}

function plan() {
  const abilities = Array.from({ length: RUNS }, () => TABLES).flat();
  const shared = sharePartitionings(new Random(SEED), abilities);
  return abilities.map((one, at) => ({
    index: at,
    random: new Random(SEED * 1_000 + at),
    name: `db.t${at}`,
    abilities: one,
    partitionings: shared[at] ?? [],
  })).filter(({ name }) => ONLY === undefined || name === `db.t${ONLY}`);
}

async function create(catalog: Catalog): Promise<readonly RandomTable[]> {
  return await Promise.all(
    plan().map(async ({ name, ...plan }) => {
      const { random, abilities, partitionings } = plan;
      const definition = randomDefinition(random, name, { abilities, partitionings });
      const table = await ModelTable.create(catalog, definition);
      return { ...plan, table };
    }),
  );
}

async function append({ random, table }: RandomTable): Promise<void> {
  const { metadata } = await table.load();
  await table.append(randomRows(random, ROWS, { schema: table.schema, metadata }));
}

/** What v1 tables do not have. */
async function deleteRows({ index, random, abilities, table }: RandomTable): Promise<void> {
  if (abilities.formatVersion === 1) return;
  const rest = BigInt(random.int(0, 4));
  await table.deletePositions((id) => id % 5n === rest);
  await table.deletePositions((id) => id % 7n === 3n);
  if (index % 3 === 0) await table.deleteEqual((id) => id % 6n === 1n);
}

async function evolve({ random, abilities, partitionings, table }: RandomTable): Promise<void> {
  for (const kind of random.some(CHANGE_KINDS, CHANGE_KINDS.length)) {
    const change = randomChange(random, kind, {
      metadata: (await table.load()).metadata,
      abilities,
    });
    if (change !== null) await table.evolve(change);
  }
  const { metadata } = await table.load();
  const more = partitionings.slice(2).map(([transform], at) => [at + 4, transform] as const)
    .filter(([id]) => table.schema.findById(id) !== undefined);
  await table.respec(specChanges(random, { schema: table.schema, metadata }, more));
}

async function compact({ index, random, table }: RandomTable): Promise<void> {
  const strategy = (["binpack", "sort", "zorder"] as const)[index % 3] ?? "binpack";
  if (strategy !== "zorder") return await table.compact({ strategy });
  const columns = table.schema.fields.slice(1).filter(({ type }) => isPrimitive(type));
  const names = random.some(columns, 2).map(({ name }) => `\`${name}\``);
  await table.compact({ strategy: "zorder", sortOrder: `zorder(id, ${names.join()})` });
}

/** Who can read a table as it is. */
function engines({ abilities, partitionings, table }: RandomTable): readonly Engine[] {
  const splitsByNanos = partitionings.some(([transform, { kind }]) =>
    kind.endsWith("_ns") && ["identity", "void"].includes(transform.kind)
  );
  return [
    "drls",
    // It refuses tables with equality deletes, and cannot read manifests that hold nanoseconds.
    ...table.hasEqualityDeletes || splitsByNanos ? [] : ["pyiceberg"] as const,
    ...abilities.forSpark ? ["spark"] as const : [],
    // It reads files, and so none of what makes a table of them.
    ...table.hasDeletes || table.hasOldFiles ? [] : ["duckdb"] as const,
  ];
}

peerTest("random tables read back equal in every engine, whatever is done to them", [
  "spark",
  "pyiceberg",
  "duckdb",
], {
  fn: (t) =>
    inTempDir(async (dir) => {
      const config = parseCatalogConfig({ catalog_type: "hadoop", warehouse: dir }, OPTIONS);
      const catalog = openCatalog(config, OPTIONS);
      await using readers = await Readers.start(dir);
      const tables = await create(catalog);
      const broken = new Set<RandomTable>();
      const step = (name: string, work: (table: RandomTable) => Promise<void>) =>
        t.step(name, async (t) => {
          for (const one of tables) {
            // What a table has become after a failure says nothing.
            if (broken.has(one)) continue;
            const passed = await t.step(one.table.name, async () => {
              await work(one);
              await readers.check(one.table, engines(one));
              if (!ASKED.has(name)) return;
              const asked = Array.from(
                { length: PREDICATES },
                () => randomPredicate(one.random, one.table),
              );
              await readers.checkPredicates(one.table, asked, engines(one));
            });
            if (!passed) broken.add(one);
          }
        });
      await step("appended", async (one) => {
        await append(one);
        await append(one);
      });
      await step("rows deleted", deleteRows);
      await step("schema and spec evolved", evolve);
      await step("appended in the new shape", append);
      await step("compacted", compact);
      await step("expired", async ({ table }) => {
        await table.jobs.expire();
        assert.equal(await table.jobs.removeOrphans(), 0);
      });
      await catalog.close();
    }),
});
