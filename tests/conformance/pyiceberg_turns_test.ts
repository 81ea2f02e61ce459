/** Tables that PyIceberg writes and evolves, and drls compacts, evolves and expires, by turns. */
import assert from "node:assert/strict";
import { type Catalog, openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { currentSchema } from "../../lib/iceberg/spec/table_metadata.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { readRows } from "../support/read_table.ts";
import { rowText } from "../support/rows.ts";
import { PeerProcess } from "./_peer_process.ts";
import { peerTest } from "./_peers.ts";
import { asPyiceberg, canonical } from "./_read_back/readers.ts";
import { TableJobs } from "./_read_back/run_jobs.ts";
import { assertSameRowSet } from "./_same_rows.ts";
import { inTempDir, OPTIONS } from "./_snapshot_tables.ts";

await readyParquet();

/** A column and the name of a transform of it. */
type Split = readonly [string, string];

/** How tables are split at first, and what they are split by later, instead of the first of it. */
const PARTITIONINGS: readonly (readonly [readonly Split[], readonly Split[]])[] = [
  [[["i", "bucket[4]"], ["ts", "day"]], [["text", "truncate[3]"], ["tz", "month"]]],
  [[["s", "truncate[3]"], ["m", "truncate[10]"], ["dt", "month"]], [["u", "bucket[3]"]]],
  [[["tz", "hour"], ["b", "identity"]], [["i", "truncate[1000]"], ["ts", "year"]]],
  [[["dt", "year"], ["x", "bucket[2]"], ["f", "void"]], [["b", "identity"], ["m", "bucket[3]"]]],
  [[], [["tm", "identity"]]],
];

/** A table that both write. */
class SharedTable {
  readonly jobs: TableJobs;
  readonly #peer: PeerProcess;
  readonly #name: string;
  /** Numbers of the rows that must be there. */
  #numbers: readonly number[] = [];
  /** Its rows, as PyIceberg showed them last. */
  #rows: readonly string[] = [];

  constructor(catalog: Catalog, peer: PeerProcess, name: string) {
    this.jobs = new TableJobs(catalog, { namespace: ["db"], name });
    this.#peer = peer;
    this.#name = `db.${name}`;
  }

  /** Has PyIceberg do something. */
  async peer(command: string, ...args: readonly unknown[]): Promise<void> {
    await this.#peer.ask([command, this.#name, ...args]);
  }

  /** PyIceberg appends rows from a number on. */
  async append(first: number, count: number): Promise<void> {
    await this.peer("append", first, count);
    this.#noteAppended(first, count);
  }

  /** PyIceberg deletes some rows and rewrites the others of their files. */
  async delete(where: string, goes: (number: number) => boolean): Promise<void> {
    await this.peer("delete", where);
    this.#numbers = this.#numbers.filter((number) => !goes(number));
  }

  /** PyIceberg puts new rows in the place of one. */
  async overwrite(number: number, [first, count]: readonly [number, number]): Promise<void> {
    await this.peer("overwrite", `id = ${number}`, first, count);
    this.#numbers = this.#numbers.filter((one) => one !== number);
    this.#noteAppended(first, count);
  }

  #noteAppended(first: number, count: number): void {
    this.#numbers = [...this.#numbers, ...Array.from({ length: count }, (_, at) => first + at)];
  }

  /** Both read the same rows, those of the numbers that must be there. */
  async check(what: string): Promise<void> {
    const { io, metadata } = await (await this.jobs.store()).load();
    const { fields } = currentSchema(metadata);
    const show = (row: string) => canonical(row, fields, asPyiceberg);
    const theirs = (await this.#peer.ask<string[]>(["rows", this.#name])).map(show);
    const own = (await readRows(io, metadata)).rows.map((row) => show(rowText(row, fields)));
    assertSameRowSet(own, theirs, `${this.#name} ${what}, by drls`);
    const id = fields.findIndex(({ name }) => name === "id");
    const numbers = theirs.map((row) => Number(JSON.parse(row)[id])).sort((a, b) => a - b);
    assert.deepEqual(numbers, this.#numbers.toSorted((a, b) => a - b), `${this.#name} ${what}`);
    this.#rows = theirs;
  }

  /** What drls does leaves the rows as they are. */
  async keepsRows(what: string, work: () => Promise<void>): Promise<void> {
    const before = this.#rows;
    await work();
    await this.check(what);
    assertSameRowSet(this.#rows, before, `${this.#name} ${what}, by PyIceberg`);
  }
}

/** PyIceberg writes, deletes, evolves; drls compacts what is left. */
async function compactWhatPyicebergWrote(
  table: SharedTable,
  [first, later]: typeof PARTITIONINGS[number],
): Promise<void> {
  await table.append(0, 20);
  await table.append(20, 20);
  await table.delete("id >= 5 and id < 12", (number) => number >= 5 && number < 12);
  await table.check("written");
  await table.peer("evolve");
  await table.peer("respec", first.length === 0 ? [] : ["p0"], later);
  await table.append(40, 15);
  await table.overwrite(41, [60, 3]);
  await table.check("evolved");
  await table.keepsRows("compacted", () => table.jobs.compact());
}

/** drls evolves; PyIceberg goes on from there, and both by turns. */
async function goOnByTurns(table: SharedTable): Promise<void> {
  const { jobs } = table;
  await jobs.evolve({
    kind: "add",
    name: "fresh",
    type: "struct<a: int, b: list<string>>",
    required: false,
    doc: "added here",
    defaultValue: null,
    position: { kind: "after", column: "id" },
  });
  await jobs.evolve({ kind: "rename", name: "text", newName: "words" });
  await jobs.evolve({ kind: "drop", name: "d" });
  await jobs.evolve({ kind: "update", name: "n", type: "long" });
  await table.check("evolved by drls");
  await table.append(70, 10);
  await table.delete("id < 3", (number) => number < 3);
  await table.check("after PyIceberg's changes");
  await table.keepsRows("compacted and expired", async () => {
    await jobs.compact({ strategy: "sort", sortOrder: "dt desc nulls last, id" });
    await jobs.expire();
  });
  await table.overwrite(72, [80, 4]);
  await table.delete("id = 50", (number) => number === 50);
  await table.check("overwritten");
  await table.keepsRows("compacted again", async () => {
    await jobs.compact();
    await jobs.expire();
    await jobs.removeOrphans();
  });
}

peerTest("tables of PyIceberg keep their rows when drls compacts, evolves and expires them", [
  "pyiceberg",
], {
  fn: (t) =>
    inTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/wh`);
      await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
      const uri = `sqlite:///${dir}/catalog.db`;
      const warehouse = `${dir}/wh`;
      const config = parseCatalogConfig({ catalog_type: "sql", warehouse, uri }, OPTIONS);
      const catalog = openCatalog(config, OPTIONS);
      const properties = JSON.stringify({ type: "sql", uri, warehouse: `file://${warehouse}` });
      await using peer = new PeerProcess("pyiceberg", "pyiceberg_turns.py", [properties, "drls"]);
      await peer.hear("READY");
      // PyIceberg writes no v3 tables.
      for (const version of [1, 2]) {
        for (const [at, partitioning] of PARTITIONINGS.entries()) {
          await t.step(
            `format v${version}, ${partitioning[0].join(" and ") || "one part"}`,
            async () => {
              const table = new SharedTable(catalog, peer, `v${version}_${at}`);
              await table.peer("create", version, partitioning[0]);
              await compactWhatPyicebergWrote(table, partitioning);
              await goOnByTurns(table);
            },
          );
        }
      }
      await catalog.close();
    }),
});
