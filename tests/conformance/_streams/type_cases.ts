/** Rows of every type that the engines have, as they are and through a query. */
import { assertSameRowSet } from "../_same_rows.ts";
import type { StreamLake } from "./stream_bed.ts";

const SPARK_TYPES =
  "id BIGINT NOT NULL, i INT, f FLOAT, d DOUBLE, b BOOLEAN, s STRING, o BINARY, " +
  "dt DATE, ts TIMESTAMP_NTZ, tz TIMESTAMP, m DECIMAL(9,2), wide DECIMAL(38,10), " +
  "st STRUCT<a: INT, c: STRING, deep: STRUCT<x: ARRAY<INT>>>, li ARRAY<BIGINT>, " +
  "ma MAP<STRING, DOUBLE>, mixed ARRAY<STRUCT<k: STRING, v: MAP<STRING, ARRAY<INT>>>>";

const SPARK_ROWS = "SELECT id, CAST((id - 20) * 1000003 AS INT), " +
  "CAST(CASE id % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0.0' WHEN 2 THEN 'Infinity' ELSE '0.1' END AS FLOAT), " +
  "CAST(CASE id % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0.0' WHEN 2 THEN '-Infinity' ELSE '0.1' END AS DOUBLE), " +
  "IF(id % 3 = 0, NULL, id % 2 = 0), IF(id % 5 = 0, '', concat('ü\\u{1F600}', id)), " +
  "IF(id % 4 = 1, NULL, unhex(concat('00ff', lpad(hex(id), 4, '0')))), " +
  "date_add(DATE '1969-12-01', CAST(id * 9 AS INT)), " +
  "TIMESTAMP_NTZ '1969-12-31 23:59:59.999999' + make_interval(0,0,0,0,CAST(id AS INT)), " +
  "TIMESTAMP '1582-01-01 00:00:00.000001' + make_interval(CAST(id * 20 AS INT)), " +
  "CAST((id - 20) * 1234.56 AS DECIMAL(9,2)), " +
  "CAST('-9999999999999999999999999999.0123456789' AS DECIMAL(38,10)) + id, " +
  "IF(id % 6 = 0, NULL, named_struct('a', CAST(id AS INT), 'c', NULL, 'deep', " +
  "IF(id % 4 = 0, NULL, named_struct('x', array(1, NULL, CAST(id AS INT)))))), " +
  "IF(id % 5 = 2, NULL, array(id, NULL, -id)), " +
  "map('a', CAST(id AS DOUBLE), 'b', NULL), " +
  "array(named_struct('k', 'k', 'v', map('m', array(CAST(id AS INT), NULL))), NULL)";

/** UUIDs in hex, as PyIceberg has them. */
const EXACT = "SELECT * REPLACE (replace(u::VARCHAR, '-', '') AS u)";

/** See the top of this file. */
export async function types(lake: StreamLake): Promise<void> {
  if (lake.isPyIcebergs) await ofPyIceberg(lake);
  await ofSpark(lake);
}

async function ofPyIceberg(lake: StreamLake): Promise<void> {
  const source = "db.types";
  const version = lake.kind === "rest" ? 2 : 1;
  await lake.pyiceberg("everything", source, version, [["ts", "month"], ["u", "bucket[2]"]]);
  const copy = await lake.start(source, "db.types_copy", {
    sink_partition_by: ["truncate(2, m)", "days(tz)"],
  });
  const queried = await lake.start(source, "db.types_query", {
    transform: "SELECT * FROM batch WHERE id % 10 <> 3",
    sink_format_version: 3,
  });
  await lake.pyiceberg("append", source, 0, 40);
  await lake.pyiceberg("append", source, 40, 40);
  await lake.settled(copy);
  await lake.assertMade(copy, `${EXACT} FROM source`);
  await lake.settled(queried);
  await lake.assertMade(queried, `${EXACT} FROM source WHERE id % 10 <> 3`);
}

async function ofSpark(lake: StreamLake): Promise<void> {
  const source = "db.spark_types";
  await lake.spark(
    `CREATE TABLE ${source} (${SPARK_TYPES}) USING iceberg PARTITIONED BY (bucket(2, wide))`,
  );
  const copy = await lake.start(source, "db.spark_types_copy", {
    sink_partition_by: ["years(tz)", "truncate(3, s)"],
  });
  const queried = await lake.start(source, "db.spark_types_query", {
    transform: "SELECT * FROM batch WHERE id % 10 <> 3",
  });
  const insert = (first: number) =>
    lake.spark(`INSERT INTO ${source} ${SPARK_ROWS} FROM range(${first}, ${first + 30}) AS r(id)`);
  for (const first of [0, 30]) await insert(first);
  await lake.settled(copy);
  await lake.assertMade(copy, "FROM source");
  await lake.settled(queried);
  await lake.assertMade(queried, "FROM source WHERE id % 10 <> 3");
  // Files that PyIceberg does not read.
  await lake.spark(`ALTER TABLE ${source} SET TBLPROPERTIES ('write.format.default' = 'avro')`);
  await insert(60);
  for (const [one, where] of [[copy, "true"], [queried, "id % 10 <> 3"]] as const) {
    await lake.settled(one);
    const expected = await lake.sparkRows(`SELECT * FROM ${source} WHERE ${where}`);
    assertSameRowSet(
      await lake.rows(one.sink),
      expected,
      `${one.sink} of the ${lake.kind} catalog`,
    );
  }
}
