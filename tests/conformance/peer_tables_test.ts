/**
 * Tables that Spark writes and drls rewrites, by turns; equality deletes of Iceberg's Java library;
 * and metrics of both for the same rows. One session of Spark serves all of it.
 */
import assert from "node:assert/strict";
import { type Catalog, openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { NestedField } from "../../lib/iceberg/spec/types.ts";
import { currentSchema } from "../../lib/iceberg/spec/table_metadata.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { readRows } from "../support/read_table.ts";
import { rowText } from "../support/rows.ts";
import { definitionOf } from "../support/writable_tables.ts";
import { PeerProcess, SparkSession } from "./_peer_process.ts";
import { findJar, peerTest } from "./_peers.ts";
import { ModelTable } from "./_read_back/model_table.ts";
import { Random } from "./_read_back/random.ts";
import { FieldMaker, leafTypes } from "./_read_back/random_types.ts";
import { randomValue } from "./_read_back/random_values.ts";
import { canonical } from "./_read_back/readers.ts";
import { TableJobs } from "./_read_back/run_jobs.ts";
import { assertSameRowSet } from "./_same_rows.ts";
import { inTempDir, OPTIONS } from "./_snapshot_tables.ts";

await readyParquet();

/** A warehouse, its catalog, and those who read it. */
interface Bed {
  readonly catalog: Catalog;
  readonly spark: SparkSession;
  readonly pyiceberg: PeerProcess;
}

async function withBed(work: (bed: Bed) => Promise<void>): Promise<void> {
  await inTempDir(async (dir) => {
    const config = parseCatalogConfig({ catalog_type: "hadoop", warehouse: dir }, OPTIONS);
    const catalog = openCatalog(config, OPTIONS);
    await using pyiceberg = new PeerProcess("pyiceberg", "pyiceberg_read.py", []);
    await using spark = await SparkSession.start(dir, findJar("iceberg-spark-runtime"));
    await pyiceberg.hear("READY");
    await work({ catalog, spark, pyiceberg });
    await catalog.close();
  });
}

const ROWS = "SELECT id, CAST(id % 5 AS INT) k, concat('s', id) s, " +
  "timestamp '2024-03-01' + make_interval(0,0,0,CAST(id AS INT)) ts, " +
  "array(named_struct('x', CAST(id AS INT), 'y', IF(id % 3 = 0, NULL, 'y'))) a, " +
  "map('m', CAST(id AS DECIMAL(10,2))) m";

/** A table of Spark's with every kind of file that its SQL makes. */
async function writeWithSpark(spark: SparkSession, table: string, version: 1 | 2 | 3) {
  const insert = (more: string, from: number) =>
    spark.sql(`INSERT INTO ${table} ${ROWS}${more} FROM range(${from}, ${from + 20}) AS r(id)`);
  const merge = version === 1
    ? []
    : ["delete", "update", "merge"].map((verb) => `'write.${verb}.mode'='merge-on-read'`);
  await spark.sql(
    `CREATE TABLE ${table} (id BIGINT NOT NULL, k INT, s STRING, ts TIMESTAMP, ` +
      "a ARRAY<STRUCT<x: INT, y: STRING>>, m MAP<STRING, DECIMAL(10,2)>) USING iceberg " +
      `PARTITIONED BY (bucket(2, k)) TBLPROPERTIES (${[
        `'format-version'='${version}'`,
        ...merge,
      ]})`,
  );
  await insert("", 0);
  await insert("", 20);
  await spark.sql(`DELETE FROM ${table} WHERE id % 7 = 3`);
  await spark.sql(`ALTER TABLE ${table} ADD COLUMN n INT`);
  await spark.sql(`ALTER TABLE ${table} RENAME COLUMN s TO text`);
  await spark.sql(`ALTER TABLE ${table} ALTER COLUMN k TYPE BIGINT`);
  await spark.sql(`ALTER TABLE ${table} REPLACE PARTITION FIELD bucket(2, k) WITH days(ts)`);
  await insert(", CAST(id AS INT) n", 40);
  await spark.sql(`UPDATE ${table} SET text = 'changed' WHERE id % 11 = 5`);
}

/** What a v3 table says of the identity of its rows, by their number. */
async function lineage(spark: SparkSession, table: string) {
  await spark.sql(`REFRESH TABLE ${table}`);
  const rows = await spark.sql(
    `SELECT id, _row_id, _last_updated_sequence_number FROM ${table} ORDER BY id`,
  );
  return rows as readonly (readonly [number, number, number])[];
}

function jobsOf(catalog: Catalog, table: string): TableJobs {
  return new TableJobs(catalog, { namespace: ["db"], name: table.slice("db.".length) });
}

/** This reader reads what Spark reads; gives Spark's rows. */
async function assertOwn({ catalog, spark }: Bed, table: string, what: string) {
  const { io, metadata } = await (await jobsOf(catalog, table).store()).load();
  const { fields } = currentSchema(metadata);
  await spark.sql(`REFRESH TABLE ${table}`);
  const theirs = (await spark.exactRows(`SELECT * FROM ${table}`))
    .map((row) => canonical(row, fields));
  const { rows } = await readRows(io, metadata);
  const own = rows.map((row) => canonical(rowText(row, fields), fields));
  assertSameRowSet(own, theirs, `${what}, by drls`);
  return theirs;
}

/** All engines read what Spark reads; gives its rows. */
async function assertAlike(bed: Bed, table: string, what: string) {
  const theirs = await assertOwn(bed, table, what);
  const { metadata, metadataLocation } = await (await jobsOf(bed.catalog, table).store()).load();
  const { fields } = currentSchema(metadata);
  const third = await bed.pyiceberg.ask<string[]>({ metadata: metadataLocation });
  assertSameRowSet(third.map((row) => canonical(row, fields)), theirs, `${what}, by PyIceberg`);
  return theirs;
}

/** drls compacts what Spark wrote; both go on from there. */
async function compactByTurns(bed: Bed, version: 1 | 2 | 3): Promise<void> {
  const { catalog, spark } = bed;
  const table = `db.s${version}`;
  const jobs = jobsOf(catalog, table);
  await writeWithSpark(spark, table, version);
  const before = await assertAlike(bed, table, "before");
  const ids = version === 3 ? await lineage(spark, table) : [];
  await jobs.compact({ strategy: "sort", sortOrder: "k desc nulls last, id" });
  assertSameRowSet(await assertAlike(bed, table, "compacted"), before, "compacted, by Spark");
  if (version === 3) assert.deepEqual(await lineage(spark, table), ids);
  // By turns: Spark goes on from what drls wrote, and drls from that.
  await spark.sql(`INSERT INTO ${table} ${ROWS}, 1 n FROM range(60, 80) AS r(id)`);
  await spark.sql(`DELETE FROM ${table} WHERE id % 13 = 1`);
  await spark.sql(`UPDATE ${table} SET n = 7 WHERE id = 50`);
  const later = await assertAlike(bed, table, "after Spark's changes");
  const laterIds = version === 3 ? await lineage(spark, table) : [];
  if (version === 3) assertContinued(ids, laterIds);
  await jobs.compact();
  await jobs.expire();
  assertSameRowSet(await assertAlike(bed, table, "again"), later, "again, by Spark");
  if (version === 3) assert.deepEqual(await lineage(spark, table), laterIds);
  await spark.sql(
    `CALL peer.system.rewrite_data_files(table => '${table}', ` +
      "options => map('rewrite-all', 'true'))",
  );
  assertSameRowSet(await assertAlike(bed, table, "by Spark"), later, "compacted by Spark");
  if (version === 3) assert.deepEqual(await lineage(spark, table), laterIds);
}

/** Rows that were not touched are the same rows; new ones have numbers that none had. */
function assertContinued(
  before: Awaited<ReturnType<typeof lineage>>,
  after: Awaited<ReturnType<typeof lineage>>,
): void {
  const known = new Map(before.map(([id, rowId]) => [id, rowId]));
  const highest = Math.max(...known.values());
  assert.equal(new Set(after.map(([, rowId]) => rowId)).size, after.length);
  for (const [id, rowId] of after) {
    if (known.has(id)) assert.equal(rowId, known.get(id), `row ${id}`);
    else assert(rowId > highest, `row ${id} has the row id ${rowId}`);
  }
}

/** How many delete files of each kind a table has: by position or vectors, and by equality. */
async function deleteFiles(spark: SparkSession, table: string): Promise<readonly number[]> {
  await spark.sql(`REFRESH TABLE ${table}`);
  const contents = (await spark.sql(`SELECT content FROM ${table}.delete_files`)).flat();
  return [1, 2].map((content) => contents.filter((one) => one === content).length);
}

/** drls compacts what equality deletes of Java apply to, in every specification of the table. */
async function compactEqualityDeletes(bed: Bed, version: 2 | 3): Promise<void> {
  const { catalog, spark } = bed;
  const table = `db.e${version}`;
  const jobs = jobsOf(catalog, table);
  const insert = (from: number, count: number) =>
    spark.sql(
      `INSERT INTO ${table} SELECT id, IF(id % 4 = 0, NULL, CAST(id % 5 AS INT)), ` +
        "IF(id % 9 = 0, NULL, concat('s', id % 3)), " +
        "timestamp '1969-12-31 23:59:59.5' + make_interval(0,0,0,CAST(id % 3 AS INT)) " +
        `FROM range(${from}, ${from + count}) AS r(id)`,
    );
  const deleteEqual = async (equal: readonly string[], ids: readonly number[]) => {
    const written = await spark.equalityDelete({ table, equal, ids });
    assert.equal(written.reduce((sum, count) => sum + count, 0), ids.length);
  };
  await spark.sql(
    `CREATE TABLE ${table} (id BIGINT NOT NULL, k INT, s STRING, ts TIMESTAMP) USING iceberg ` +
      `PARTITIONED BY (bucket(2, k), days(ts)) TBLPROPERTIES ('format-version'='${version}', ` +
      "'write.delete.mode'='merge-on-read')",
  );
  await insert(0, 40);
  // Nulls are equal to each other there.
  await deleteEqual(["k", "s"], [0, 1, 4, 36]);
  // Rows that come later have the same values, and stay.
  await insert(40, 20);
  await spark.sql(`ALTER TABLE ${table} RENAME COLUMN s TO text`);
  await spark.sql(`ALTER TABLE ${table} ALTER COLUMN k TYPE BIGINT`);
  await spark.sql(`DELETE FROM ${table} WHERE id IN (5, 41)`);
  await spark.sql(
    `ALTER TABLE ${table} REPLACE PARTITION FIELD bucket(2, k) WITH truncate(1, text)`,
  );
  await insert(60, 20);
  // Of the new partitions only.
  await deleteEqual(["k"], [62, 67]);
  await spark.sql(`ALTER TABLE ${table} DROP PARTITION FIELD truncate(1, text)`);
  await spark.sql(`ALTER TABLE ${table} DROP PARTITION FIELD days(ts)`);
  // Without partitions they apply to rows of all.
  await deleteEqual(["id"], [7, 58, 79]);
  const before = await assertOwn(bed, table, "with equality deletes");
  const [byPosition = 0, byEquality = 0] = await deleteFiles(spark, table);
  assert(byPosition > 0 && byEquality > 5, `${byPosition} and ${byEquality}`);
  const ids = version === 3 ? await lineage(spark, table) : [];
  await jobs.compact();
  assertSameRowSet(await assertAlike(bed, table, "compacted"), before, "compacted, by Spark");
  assert.deepEqual(await deleteFiles(spark, table), [0, 0]);
  if (version === 3) assert.deepEqual(await lineage(spark, table), ids);
  // Java deletes from what drls wrote, with values that drls put into files of its own.
  await deleteEqual(["text", "ts"], [66]);
  await insert(80, 10);
  const later = await assertOwn(bed, table, "deleted from again");
  assert(later.length < before.length + 10);
  await jobs.compact({ strategy: "sort", sortOrder: "ts, id desc" });
  await jobs.expire();
  assert.equal(await jobs.removeOrphans(), 0);
  assertSameRowSet(await assertAlike(bed, table, "again"), later, "again, by Spark");
  assert.deepEqual(await deleteFiles(spark, table), [0, 0]);
}

const METRICS = [
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
] as const;
const MODES = ["none", "counts", "truncate(1)", "truncate(16)", "full"];

/** Metrics as texts, sizes of columns aside: they are each encoder's own. */
function metricsOf(file: DataFile, names: readonly (keyof DataFile)[] = METRICS) {
  const shown = (name: keyof DataFile) => {
    const map = file[name] as ReadonlyMap<number, number | Uint8Array> | null;
    return [...map ?? []].sort(([a], [b]) => a - b).map(([id, value]) => [
      String(id),
      value instanceof Uint8Array ? value.toHex() : value,
    ]);
  };
  return Object.fromEntries(names.map((name) => [name, shown(name)]));
}

function floatsInStructs({ fields }: Schema): readonly number[] {
  const nested = fields.flatMap(({ type }) => type.kind === "struct" ? type.fields : []);
  return nested.filter(({ type }) => ["float", "double"].includes(type.kind)).map(({ id }) => id);
}

/** A column of every type, alone and in a struct, a list and a map. */
function metricsSchema(): Schema {
  const leaves = leafTypes({ formatVersion: 2, forSpark: true });
  const maker = new FieldMaker(new Random(1), leaves);
  // PyIceberg looks for columns in footers by their names in the table, which files may spell otherwise.
  const plain = (field: NestedField) => ({ ...field, name: `c${field.id}` });
  const nested = leaves.map((type) => plain(maker.of(type)));
  const fields = [
    { ...maker.of({ kind: "long" }, true), name: "id" },
    ...leaves.map((type) => maker.of(type)),
    maker.of({ kind: "struct", fields: nested }),
    maker.of({ kind: "list", elementId: 900, elementRequired: false, element: { kind: "int" } }),
    maker.of({
      kind: "map",
      keyId: 901,
      key: { kind: "string" },
      valueId: 902,
      valueRequired: false,
      value: { kind: "double" },
    }),
  ];
  return new Schema({
    schemaId: 0,
    fields: [...fields.slice(0, 1), ...fields.slice(1).map(plain)],
    identifierFieldIds: [],
  });
}

/** Both write the same rows, and say the same of them in this mode of metrics. */
async function compareMetrics(
  { catalog, spark, pyiceberg }: Bed,
  random: Random,
  [at, mode]: readonly [number, string],
): Promise<void> {
  const properties = { "write.metadata.metrics.default": mode };
  const create = (name: string) =>
    ModelTable.create(catalog, definitionOf(name, { schema: metricsSchema(), properties }));
  const ours = await create(`db.ours${at}`);
  const theirs = await create(`db.theirs${at}`);
  const { fields } = ours.schema;
  await ours.append(
    Array.from({ length: 30 }, () => fields.map((field) => randomValue(random, field))),
  );
  await spark.sql(`INSERT INTO ${theirs.name} SELECT * FROM ${ours.name}`);
  const [own, other] = await Promise.all([ours.files(), theirs.files()]);
  assert.deepEqual([own.length, other.length], [1, 1]);
  const { dataFile } = own[0]!;
  assert.equal((dataFile.lowerBounds?.size ?? 0) > 0, mode !== "none" && mode !== "counts");
  // Java does not count the floats of structs that are null, neither as values nor as nulls.
  const uncounted = new Set(floatsInStructs(ours.schema));
  const counted = (counts: DataFile["valueCounts"]) =>
    new Map([...counts ?? []].filter(([id]) => !uncounted.has(id)));
  const withoutThem = (file: DataFile): DataFile => ({
    ...file,
    valueCounts: counted(file.valueCounts),
    nullValueCounts: counted(file.nullValueCounts),
  });
  assert.deepEqual(metricsOf(withoutThem(dataFile)), metricsOf(withoutThem(other[0]!.dataFile)));
  const { metadataLocation } = await ours.load();
  const read = await pyiceberg.ask<
    Record<string, { column_sizes: Record<string, number>; split_offsets: number[] }>
  >({ metadata: metadataLocation, metrics: true });
  const third = read[dataFile.filePath]!;
  assert.deepEqual(third.split_offsets, dataFile.splitOffsets);
  const sizes = [...dataFile.columnSizes ?? []];
  assert.deepEqual(
    sizes.map(([id]) => id).sort(),
    [...other[0]!.dataFile.columnSizes?.keys() ?? []].sort(),
  );
  assert.deepEqual(sizes.map(([id]) => [id, third.column_sizes[id]]), sizes);
}

peerTest("tables and metrics of Spark and of drls are alike, whoever wrote what before", [
  "spark",
  "pyiceberg",
], {
  fn: (t) =>
    withBed(async (bed) => {
      for (const version of [1, 2, 3] as const) {
        await t.step(
          `what Spark wrote, and goes on to write, keeps its rows when compacted, v${version}`,
          () => compactByTurns(bed, version),
        );
      }
      for (const version of [2, 3] as const) {
        await t.step(
          `compaction does away with equality deletes of Java, v${version}`,
          () => compactEqualityDeletes(bed, version),
        );
      }
      const random = new Random(5);
      for (const [at, mode] of MODES.entries()) {
        await t.step(
          `metrics of the same rows are the same, ${mode}`,
          () => compareMetrics(bed, random, [at, mode]),
        );
      }
    }),
});
