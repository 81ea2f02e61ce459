/** Attempts of SQL to do more than read the tables that it names. */

/** Where the attempts aim. */
export interface EscapeTargets {
  /** A file inside the warehouse, which the isolate may read; the engine may not. */
  readonly inside: string;
  /** A file outside. */
  readonly outside: string;
  /** Where nothing may appear. */
  readonly folder: string;
}

/** An attempt: refused with a 4xx, or answered in a way that does no harm. */
export interface EscapeAttempt {
  readonly sql: string;
  readonly outcome: "refused" | "either";
}

/** All attempts of one kind, by kind. */
export function escapeAttempts(
  targets: EscapeTargets,
): Readonly<Record<string, readonly EscapeAttempt[]>> {
  return {
    "reading files": refused(readingFiles(targets)),
    "writing files": refused(writingFiles(targets)),
    "the network and extensions": refused(reachingOut(targets)),
    "settings": refused(SETTINGS),
    "statements that change": refused(CHANGES),
    "several statements": refused(SEVERAL),
    "text that is not what it seems": refused(TRICKS),
    "looking around": LOOKING_AROUND.map((sql) => ({ sql, outcome: "either" })),
    "taking everything": GREEDY.map((sql) => ({ sql, outcome: "either" })),
  };
}

function refused(queries: readonly string[]): readonly EscapeAttempt[] {
  return queries.map((sql) => ({ sql, outcome: "refused" }));
}

function readingFiles({ inside, outside, folder }: EscapeTargets): readonly string[] {
  return [
    `SELECT * FROM read_csv('${inside}')`,
    `SELECT * FROM read_csv('${outside}', header = false)`,
    `SELECT * FROM read_csv_auto('${inside}')`,
    `SELECT * FROM read_csv(['${inside}', '${outside}'])`,
    `SELECT * FROM read_text('${inside}')`,
    `SELECT content FROM read_blob('${outside}')`,
    `SELECT * FROM read_json('${inside}')`,
    `SELECT * FROM read_json_auto('${inside}')`,
    `SELECT * FROM read_ndjson_objects('${inside}')`,
    `SELECT * FROM read_parquet('${folder}/*.parquet')`,
    `SELECT * FROM parquet_scan('${inside}')`,
    `SELECT * FROM parquet_metadata('${inside}')`,
    `SELECT * FROM parquet_schema('${inside}')`,
    `SELECT * FROM parquet_kv_metadata('${inside}')`,
    `SELECT * FROM '${inside}'`,
    `SELECT * FROM "${inside}"`,
    `FROM '${outside}'`,
    `TABLE "${outside}"`,
    `DESCRIBE '${inside}'`,
    `SUMMARIZE '${inside}'`,
    `SELECT * FROM glob('${folder}/*')`,
    "SELECT * FROM glob('/**')",
    `SELECT * FROM sniff_csv('${inside}')`,
    `SELECT * FROM arrow_scan(1, 2, 3)`,
    `SELECT * FROM seq_scan('${inside}')`,
    `SELECT * FROM query('SELECT * FROM read_text(''${inside}'')')`,
    `SELECT * FROM query_table('${inside}')`,
    `SELECT * FROM query_table(['${inside}'])`,
    `SELECT * FROM sqlite_scan('${inside}', 't')`,
    `SELECT (SELECT max(content) FROM read_text('${inside}'))`,
    `WITH x AS (SELECT * FROM read_text('${inside}')) SELECT * FROM x`,
    `SELECT * FROM db.events, LATERAL (SELECT * FROM read_text('${inside}'))`,
    `SELECT * FROM read_text('file://${inside}')`,
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('../../../etc/passwd')",
    "SELECT * FROM read_csv('/dev/stdin')",
    `SELECT * FROM read_duckdb('${inside}')`,
    `PIVOT '${inside}' ON a USING count(*)`,
  ];
}

function writingFiles({ inside, folder }: EscapeTargets): readonly string[] {
  return [
    `COPY (SELECT 1) TO '${folder}/out.csv'`,
    `COPY db.events TO '${folder}/out.csv' (FORMAT csv)`,
    `COPY (SELECT 1) TO '${inside}'`,
    `COPY db.events FROM '${inside}'`,
    "COPY FROM DATABASE memory TO x",
    `EXPORT DATABASE '${folder}/export'`,
    `IMPORT DATABASE '${folder}'`,
    `ATTACH '${folder}/new.db' AS n`,
    `ATTACH IF NOT EXISTS '${inside}' AS n (READ_ONLY)`,
    "ATTACH ':memory:' AS n",
    "DETACH memory",
    `EXPLAIN ANALYZE COPY (SELECT 1) TO '${folder}/out.csv'`,
    `WITH x AS (SELECT 1) COPY (FROM x) TO '${folder}/out.csv'`,
    `SELECT * FROM (COPY (SELECT 1) TO '${folder}/out.csv')`,
    `SELECT * FROM write_csv('${folder}/out.csv')`,
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
  ];
}

function reachingOut({ folder }: EscapeTargets): readonly string[] {
  return [
    "INSTALL httpfs",
    "LOAD httpfs",
    `LOAD '${folder}/evil.duckdb_extension'`,
    "FORCE INSTALL json FROM community",
    "UPDATE EXTENSIONS",
    "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')",
    "SELECT * FROM read_text('http://169.254.169.254/latest/meta-data')",
    "SELECT * FROM 's3://bucket/key.parquet'",
    "SELECT * FROM read_parquet('s3://bucket/key.parquet')",
    "SELECT * FROM read_csv('gcs://bucket/key.csv')",
    "SELECT * FROM read_csv('hf://datasets/x/y.csv')",
    "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')",
    "SELECT * FROM iceberg_scan('s3://bucket/table')",
    "SELECT * FROM http_get('http://127.0.0.1')",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "DROP SECRET s",
    "SELECT '{}'::JSON",
    "SELECT ST_Point(1, 2)",
    "SELECT getenv('PATH')",
  ];
}

const SETTINGS = [
  "SET memory_limit = '100GB'",
  "SET enable_external_access = true",
  "SET lock_configuration = false",
  "SET GLOBAL threads = 64",
  "SET SESSION schema = 'db'",
  "SET VARIABLE x = 1",
  "RESET memory_limit",
  "PRAGMA memory_limit = '100GB'",
  "PRAGMA database_list",
  "PRAGMA enable_logging",
  "PRAGMA enable_profiling = 'json'",
  "CALL pragma_version()",
  "CALL enable_logging()",
  "USE memory",
  "SELECT * FROM enable_logging()",
  "SELECT * FROM enable_profiling()",
  "SELECT set_config('memory_limit', '1TB')",
];

const CHANGES = [
  "CREATE TABLE x (a INT)",
  "CREATE TEMP TABLE x AS SELECT 1",
  "CREATE VIEW db.events AS SELECT 1",
  "CREATE MACRO now() AS 1",
  "CREATE TYPE t AS ENUM ('a')",
  "CREATE SEQUENCE s",
  "CREATE SCHEMA s",
  "CREATE INDEX i ON db.events (id)",
  "INSERT INTO db.events VALUES (1)",
  "UPDATE db.events SET id = 1",
  "DELETE FROM db.events",
  "TRUNCATE db.events",
  "MERGE INTO db.events USING (SELECT 1) ON true WHEN MATCHED THEN DELETE",
  "ALTER TABLE db.events ADD COLUMN x INT",
  "DROP TABLE db.events",
  "DROP SCHEMA db CASCADE",
  "COMMENT ON TABLE db.events IS 'x'",
  "BEGIN TRANSACTION",
  "COMMIT",
  "WITH x AS (SELECT 1) INSERT INTO db.events SELECT * FROM x",
  "WITH x AS (DELETE FROM db.events RETURNING *) SELECT * FROM x",
  "FROM (INSERT INTO db.events VALUES (1) RETURNING *)",
  "EXPLAIN SELECT 1",
  "EXPLAIN ANALYZE SELECT 1",
  "SELECT nextval('s')",
];

const SEVERAL = [
  "SELECT 1; SELECT 2",
  "SELECT 1; DROP TABLE db.events",
  "SELECT 1;;SET threads = 4",
  "SELECT 1; COPY (SELECT 1) TO '/tmp/x.csv'",
  "SELECT ';' ; SELECT 2",
  "SELECT 1 /* ; */ ; SELECT 2 --",
  "PREPARE p AS SELECT 1",
  "EXECUTE p",
  "DEALLOCATE p",
  "SELECT ?",
  "SELECT $1",
  "SELECT $name",
  "SELECT 1)); COPY (SELECT 1) TO '/tmp/x.csv'; SELECT ((1",
  "SELECT 1 FROM (SELECT 1) LIMIT 1; SET VARIABLE x = 1",
];

const TRICKS = [
  "/* SELECT */ DROP TABLE db.events",
  "-- SELECT 1\nDROP TABLE db.events",
  "ＳＥＬＥＣＴ 1",
  "SELECT/**/*/**/FROM/**/read_text('/etc/passwd')",
  "SELECT * FROM \u200bread_text('/etc/passwd')",
  "SELECT * FROM \"read_text\"('/etc/passwd')",
  "SELECT * FROM system.main.read_text('/etc/passwd')",
  "SELECT * FROM READ_TEXT(U&'\\002Fetc\\002Fpasswd')",
  "SELECT * FROM read_text(E'\\x2fetc\\x2fpasswd')",
  "SELECT * FROM read_text($$/etc/passwd$$)",
  "SELECT * FROM read_text(concat('/etc', '/passwd'))",
  "SELECT * FROM read_text(chr(47) || 'etc/passwd')",
  "\u0000SELECT 1",
  "SELECT * FROM \"ENABLE_logging\"('QueryLog')",
  "SELECT 1\u0000; DROP TABLE db.events",
  "(((DROP TABLE db.events)))",
  'SELECT * FROM db."events; DROP TABLE x"',
  'SELECT * FROM "db"."..".".."."etc"',
  "SELECT * FROM db.events AT (VERSION => 1)",
];

const LOOKING_AROUND = [
  "SELECT * FROM duckdb_settings()",
  "SELECT * FROM duckdb_secrets()",
  "SELECT * FROM which_secret('s3://bucket/key', 's3')",
  "SELECT * FROM duckdb_databases()",
  "SELECT * FROM duckdb_tables()",
  "SELECT * FROM duckdb_logs()",
  "SELECT * FROM duckdb_temporary_files()",
  "SELECT * FROM duckdb_memory()",
  "SELECT * FROM duckdb_variables()",
  "SELECT * FROM duckdb_prepared_statements()",
  "SELECT * FROM duckdb_external_file_cache()",
  "SELECT * FROM duckdb_extensions()",
  "SELECT * FROM information_schema.tables",
  "SELECT * FROM pg_catalog.pg_class",
  "SELECT * FROM pragma_database_size()",
  "SELECT * FROM pragma_user_agent()",
  "SELECT * FROM sqlite_master",
  "SHOW TABLES",
  "SHOW ALL TABLES",
  "SHOW DATABASES",
  "SELECT current_setting('home_directory'), current_setting('temp_directory')",
  "SELECT current_user, current_database(), current_schemas(true), version()",
  "SELECT getvariable('x')",
  "SELECT * FROM drls_store.t0",
  "SELECT drls_json('{}', '$'), drls_local('1', 'UTC')",
  "SELECT * FROM json_execute_serialized_sql('{}')",
  "SELECT current_query()",
];

const GREEDY = [
  "SELECT sum(range) FROM range(1000000000000)",
  "SELECT * FROM range(1000000000000)",
  "SELECT list(range) FROM range(1000000000000)",
  "SELECT array_agg(range ORDER BY range DESC) FROM range(500000000)",
  "SELECT repeat('x', 2000000000)",
  "SELECT length(repeat(repeat('x', 100000), 1000000))",
  "SELECT repeat('x', 9223372036854775807)",
  "SELECT lpad('x', 2147483647, 'y')",
  "SELECT list_sum(range(0, 4000000000))",
  "SELECT generate_series(1, 10000000000)",
  "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(10000000) c",
  "SELECT * FROM range(100000) a JOIN range(100000) b ON a.range + b.range > 0 ORDER BY 1 DESC",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
  "WITH RECURSIVE r AS (SELECT repeat('x', 10) AS s UNION ALL SELECT s || s FROM r) SELECT * FROM r",
  "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))",
  "SELECT sum(levenshtein(repeat('a', 3000), repeat(range::VARCHAR, 3000))) FROM range(1000000)",
  "SELECT regexp_replace(repeat('a', 10000000), '(a*)*b', 'x', 'g')",
  "SELECT list_transform(range(100000000), lambda x: list_transform(range(1000), lambda y: x * y))",
  "SELECT bit_count(repeat('1', 100000000)::BIT)",
  "SELECT 2::HUGEINT ** 10000 % 3, factorial(1000)",
  `SELECT ${"(".repeat(5000)}1${")".repeat(5000)}`,
  `SELECT ${"1+".repeat(20000)}1`,
  `SELECT ${"NOT ".repeat(15000)}true`,
  `SELECT ${"[".repeat(3000)}${"]".repeat(3000)}`,
  `SELECT ${Array.from({ length: 9000 }, (_, i) => `${i}`).join(",")}`,
  `${"SELECT * FROM (".repeat(2000)}SELECT 1${")".repeat(2000)}`,
  `WITH ${
    Array.from({ length: 30 }, (_, i) =>
      `c${i} AS (${i === 0 ? "SELECT 1 AS a" : `SELECT a.a FROM c${i - 1} a, c${i - 1} b`})`)
      .join(", ")
  } SELECT count(*) FROM c29`,
  "SELECT json_extract(repeat('[', 10000000), '$[0]')",
  "SELECT json_extract_string(repeat('[', 50000) || repeat(']', 50000), '$')",
  "SELECT TIMESTAMP '2026-01-01' AT TIME ZONE repeat('x', 1000000)",
  "SELECT count(*) FROM range(3000000) WHERE json_extract('{\"a\":' || range || '}', '$.a') = 'x'",
];
