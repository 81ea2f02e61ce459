"""Writes a hadoop-catalog warehouse with Spark and prints what Spark says of each table as JSON.

Usage: spark_warehouse.py <warehouse folder> <iceberg-spark-runtime jar>

Every figure comes from Spark's own metadata tables and DESCRIBE, none from drls.
"""

import json
import sys

from pyspark.sql import SparkSession

CATALOG = "peer"


def open_session(
    warehouse: str, jar: str, catalogs: dict | None = None, class_path: str = ""
) -> SparkSession:
    """`catalogs` are further ones: their options by their names."""
    builder = (
        SparkSession.builder.master("local[2]")
        .appName("drls-conformance")
        .config("spark.jars", jar)
        # Sessions are short: the better compiler of the JVM costs more than it saves.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config(
            "spark.sql.extensions",
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        )
        .config(f"spark.sql.catalog.{CATALOG}", "org.apache.iceberg.spark.SparkCatalog")
        .config(f"spark.sql.catalog.{CATALOG}.type", "hadoop")
        .config(f"spark.sql.catalog.{CATALOG}.warehouse", warehouse)
        .config("spark.sql.defaultCatalog", CATALOG)
    )
    if class_path:
        # What DriverManager looks for has to be there when the JVM starts.
        builder = builder.config("spark.driver.extraClassPath", class_path)
    for name, options in (catalogs or {}).items():
        builder = builder.config(f"spark.sql.catalog.{name}", "org.apache.iceberg.spark.SparkCatalog")
        for key, value in options.items():
            builder = builder.config(f"spark.sql.catalog.{name}.{key}", value)
    return builder.getOrCreate()


MERGE_ON_READ = (
    "'write.delete.mode'='merge-on-read','write.update.mode'='merge-on-read',"
    "'write.merge.mode'='merge-on-read'"
)

ROWS = "SELECT id, concat('name-', id) AS name, timestamp '2024-03-01' + make_interval(0,0,0,id) AS ts"


def create(spark, table, columns, version, partitioned="", properties=""):
    more = f",{properties}" if properties else ""
    spark.sql(
        f"CREATE TABLE {table} ({columns}) USING iceberg {partitioned} "
        f"TBLPROPERTIES ('format-version'='{version}'{more})"
    )


def insert(spark, table, first, last):
    spark.sql(f"INSERT INTO {table} {ROWS} FROM range({first}, {last}) AS r(id)")


BASIC = "id BIGINT NOT NULL COMMENT 'key', name STRING, ts TIMESTAMP"


def write_plain(spark):
    """One table for each format version, without and with data."""
    for version in (1, 2, 3):
        create(spark, f"db.v{version}_plain", BASIC, version)
        for start in (0, 10, 20):
            insert(spark, f"db.v{version}_plain", start, start + 10)
        create(spark, f"db.v{version}_empty", BASIC, version)


def write_partitioned(spark):
    """Every transform, also in a v1 table."""
    for version in (1, 2, 3):
        table = f"db.v{version}_partitioned"
        create(spark, table, BASIC, version, "PARTITIONED BY (days(ts), bucket(4, id))")
        for start in (0, 40):
            insert(spark, table, start, start + 40)
    columns = (
        "i INT, l BIGINT, s STRING, b BINARY, d DATE, ts TIMESTAMP, n TIMESTAMP_NTZ, m DECIMAL(9,2)"
    )
    create(
        spark,
        "db.transforms",
        columns,
        2,
        "PARTITIONED BY (i, truncate(100, l), truncate(2, s), bucket(3, b), years(d), hours(ts), "
        "months(n), truncate(10, m))",
    )
    spark.sql(
        "INSERT INTO db.transforms SELECT CAST(id % 2 AS INT), id * 37, concat('s', id % 3), "
        "CAST(concat('b', id) AS BINARY), date '2020-05-05' + CAST(id * 90 AS INT), "
        "timestamp '2024-01-01 05:00:00', timestamp_ntz '2024-02-02 03:04:05', "
        "CAST(id * 1.25 AS DECIMAL(9,2)) FROM range(0, 12) AS r(id)"
    )
    spark.sql(
        "INSERT INTO db.transforms VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )


def write_deletes(spark):
    """Position deletes, deletion vectors, copy-on-write, and tables upgraded between versions."""
    for granularity in ("file", "partition"):
        table = f"db.v2_mor_{granularity}"
        create(
            spark, table, BASIC, 2, "PARTITIONED BY (bucket(2, id))",
            f"{MERGE_ON_READ},'write.delete.granularity'='{granularity}'",
        )
        insert(spark, table, 0, 50)
        insert(spark, table, 50, 100)
        spark.sql(f"DELETE FROM {table} WHERE id % 7 = 0")
        spark.sql(f"UPDATE {table} SET name = 'changed' WHERE id % 11 = 0")
    create(spark, "db.v3_vectors", BASIC, 3, "", MERGE_ON_READ)
    insert(spark, "db.v3_vectors", 0, 100)
    insert(spark, "db.v3_vectors", 100, 200)
    spark.sql("DELETE FROM db.v3_vectors WHERE id % 9 = 0")
    spark.sql("DELETE FROM db.v3_vectors WHERE id % 10 = 0")
    create(spark, "db.v2_cow", BASIC, 2)
    insert(spark, "db.v2_cow", 0, 50)
    spark.sql("DELETE FROM db.v2_cow WHERE id < 5")
    spark.sql("INSERT OVERWRITE db.v2_cow " + ROWS + " FROM range(0, 3) AS r(id)")
    create(spark, "db.upgraded", BASIC, 1, "", MERGE_ON_READ)
    insert(spark, "db.upgraded", 0, 50)
    spark.sql("ALTER TABLE db.upgraded SET TBLPROPERTIES ('format-version'='2')")
    insert(spark, "db.upgraded", 50, 100)
    spark.sql("DELETE FROM db.upgraded WHERE id % 5 = 0")
    spark.sql("ALTER TABLE db.upgraded SET TBLPROPERTIES ('format-version'='3')")
    insert(spark, "db.upgraded", 100, 150)
    spark.sql("DELETE FROM db.upgraded WHERE id % 6 = 0")
    create(spark, "db.emptied", BASIC, 2)
    insert(spark, "db.emptied", 0, 10)
    spark.sql("DELETE FROM db.emptied")


def write_evolved(spark):
    """Schemas and partition specs that changed after data was written."""
    create(spark, "db.evolved", "id INT, a STRING, gone DOUBLE, s STRUCT<x: INT, y: STRING>", 2)
    spark.sql("INSERT INTO db.evolved VALUES (1, 'a', 1.0, named_struct('x', 1, 'y', 'y'))")
    for change in (
        "ADD COLUMN note STRING COMMENT 'said later' AFTER id",
        "RENAME COLUMN a TO b",
        "DROP COLUMN gone",
        "ALTER COLUMN id TYPE BIGINT",
        "ADD COLUMN s.z DOUBLE FIRST",
        "RENAME COLUMN s.x TO xx",
        "ADD COLUMN m MAP<STRING, ARRAY<STRUCT<k: INT NOT NULL>>>",
        "ALTER COLUMN b FIRST",
    ):
        spark.sql(f"ALTER TABLE db.evolved {change}")
    spark.sql(
        "INSERT INTO db.evolved VALUES ('b', 2, 'n', named_struct('z', 0.5D, 'xx', 2, 'y', 'w'), "
        "map('k', array(named_struct('k', 1))))"
    )
    create(spark, "db.respecified", BASIC, 2, "PARTITIONED BY (days(ts))")
    insert(spark, "db.respecified", 0, 10)
    spark.sql("ALTER TABLE db.respecified REPLACE PARTITION FIELD days(ts) WITH months(ts)")
    insert(spark, "db.respecified", 10, 20)
    spark.sql("ALTER TABLE db.respecified ADD PARTITION FIELD bucket(4, id) AS shard")
    insert(spark, "db.respecified", 20, 30)
    spark.sql("ALTER TABLE db.respecified DROP PARTITION FIELD shard")
    insert(spark, "db.respecified", 30, 40)
    spark.sql("ALTER TABLE db.respecified WRITE ORDERED BY ts DESC NULLS LAST, id")
    spark.sql("ALTER TABLE db.respecified SET IDENTIFIER FIELDS id")


def write_history(spark):
    """Branches, tags, rollback, expired and rewritten snapshots."""
    create(spark, "db.refs", BASIC, 2)
    insert(spark, "db.refs", 0, 5)
    spark.sql("ALTER TABLE db.refs CREATE TAG first RETAIN 30 DAYS")
    insert(spark, "db.refs", 5, 10)
    spark.sql(
        "ALTER TABLE db.refs CREATE BRANCH audit RETAIN 7 DAYS WITH SNAPSHOT RETENTION 2 SNAPSHOTS"
    )
    spark.sql(f"INSERT INTO db.refs.branch_audit {ROWS} FROM range(90, 95) AS r(id)")
    insert(spark, "db.refs", 10, 15)
    create(spark, "db.rolled_back", BASIC, 2)
    insert(spark, "db.rolled_back", 0, 5)
    first = spark.sql("SELECT snapshot_id FROM db.rolled_back.snapshots").first()[0]
    insert(spark, "db.rolled_back", 5, 10)
    spark.sql(f"CALL {CATALOG}.system.rollback_to_snapshot('db.rolled_back', {first})")
    create(spark, "db.maintained", BASIC, 2, "", MERGE_ON_READ)
    for start in range(0, 60, 10):
        insert(spark, "db.maintained", start, start + 10)
    spark.sql("DELETE FROM db.maintained WHERE id = 3")
    spark.sql(f"CALL {CATALOG}.system.rewrite_data_files('db.maintained')")
    spark.sql(f"CALL {CATALOG}.system.rewrite_manifests('db.maintained')")
    spark.sql(
        f"CALL {CATALOG}.system.expire_snapshots(table => 'db.maintained', "
        "older_than => timestamp '2999-01-01', retain_last => 2)"
    )


def write_storage_forms(spark):
    """Gzip metadata, other data file formats, nested and oddly named namespaces."""
    create(spark, "db.gzip", BASIC, 2, "", "'write.metadata.compression-codec'='gzip'")
    insert(spark, "db.gzip", 0, 5)
    insert(spark, "db.gzip", 5, 9)
    for form in ("orc", "avro"):
        create(spark, f"db.{form}", BASIC, 2, "", f"'write.format.default'='{form}'")
        insert(spark, f"db.{form}", 0, 5)
    spark.sql("CREATE NAMESPACE IF NOT EXISTS a.b.c")
    create(spark, "a.top", BASIC, 2)
    create(spark, "a.b.c.deep", BASIC, 2)
    insert(spark, "a.b.c.deep", 0, 5)
    spark.sql("CREATE NAMESPACE IF NOT EXISTS nothing_inside")
    create(spark, "db.dropped", BASIC, 2)
    insert(spark, "db.dropped", 0, 5)
    spark.sql("DROP TABLE db.dropped PURGE")
    create(spark, "db.`Größe und-Maß`", "`Ü b` INT, `a.b` STRING, `select` DATE", 2)
    spark.sql("INSERT INTO db.`Größe und-Maß` VALUES (1, 'x', date '2024-01-01')")


def write_types(spark):
    """What Spark SQL can write of v3, and what only the Java API can."""
    create(
        spark, "db.types",
        "bo BOOLEAN, i INT, l BIGINT, f FLOAT, d DOUBLE, m DECIMAL(38,10), da DATE, ts TIMESTAMP, "
        "n TIMESTAMP_NTZ, s STRING, b BINARY, ar ARRAY<INT>, "
        "st STRUCT<a: INT NOT NULL COMMENT 'inner', b: ARRAY<STRUCT<c: DATE>>>, "
        "ma MAP<STRING, DECIMAL(10,2)>",
        2,
    )
    spark.sql(
        "INSERT INTO db.types VALUES (true, 1, 9223372036854775807, float('NaN'), -0.0D, "
        "CAST('1.5' AS DECIMAL(38,10)), date '1969-12-31', timestamp '1969-12-31 23:59:59', "
        "timestamp_ntz '0001-01-01 00:00:00', 's', X'00FF', array(1), "
        "named_struct('a', 1, 'b', array(named_struct('c', date '2024-01-01'))), map('k', 1.25BD)), "
        "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    create(spark, "db.v3_variant", "id INT, v VARIANT", 3)
    spark.sql("""INSERT INTO db.v3_variant SELECT 1, parse_json('{"a": [1, 2]}')""")
    jvm = spark._jvm
    types = jvm.org.apache.iceberg.types.Types
    create(spark, "db.v3_defaults", "id INT NOT NULL", 3)
    spark.sql("INSERT INTO db.v3_defaults VALUES (1)")
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
        spark._jsparkSession, "db.v3_defaults"
    )
    literal = jvm.org.apache.iceberg.expressions.Expressions.lit
    (
        table.updateSchema()
        .addColumn("n", types.IntegerType.get(), "defaulted", literal(34))
        .addRequiredColumn("s", types.StringType.get(), "also", literal("none"))
        .commit()
    )
    spark.sql("REFRESH TABLE db.v3_defaults")
    spark.sql("INSERT INTO db.v3_defaults VALUES (2, 5, 'given')")


def partition_term(transform, column):
    """`bucket[4]` of a column as `bucket(4, column)`."""
    if transform == "identity":
        return column
    if "[" in transform:
        name, argument = transform.rstrip("]").split("[")
        return f"{name}({argument}, {column})"
    return f"{transform}({column})"


def order_term(term, field):
    """`ts desc nulls last`."""
    direction = str(field.direction()).lower()
    return f"{term} {direction} {str(field.nullOrder()).lower()}"


def figures(spark, table):
    """What Spark says of one table."""
    files = spark.sql(
        "SELECT content, file_path, file_format, spec_id, record_count, file_size_in_bytes "
        f"FROM {table}.files"
    ).collect()
    data = [f for f in files if f.content == 0]
    deletes = [f for f in files if f.content != 0]
    position = [f for f in deletes if f.content == 1]
    vectors = [f for f in position if f.file_format == "PUFFIN"]
    snapshots = spark.sql(
        f"SELECT snapshot_id, parent_id, operation, committed_at FROM {table}.snapshots "
        "ORDER BY committed_at"
    ).collect()
    refs = spark.sql(f"SELECT * FROM {table}.refs").collect()
    loaded = spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
        spark._jsparkSession, table
    )
    current = loaded.currentSnapshot()
    columns = [
        {
            "name": field.name,
            "type": field.dataType.simpleString(),
            "nullable": field.nullable,
            "comment": field.metadata.get("comment"),
        }
        for field in spark.table(table).schema.fields
    ]
    return {
        "columns": columns,
        "format_version": loaded.operations().current().formatVersion(),
        "schema_id": loaded.schema().schemaId(),
        "partition_by": [
            partition_term(str(field.transform()), loaded.schema().findColumnName(field.sourceId()))
            for field in loaded.spec().fields()
        ],
        "sort_order": [
            order_term(
                partition_term(
                    str(field.transform()), loaded.schema().findColumnName(field.sourceId())
                ),
                field,
            )
            for field in loaded.sortOrder().fields()
        ],
        "identifier_columns": sorted(loaded.schema().identifierFieldNames()),
        "snapshot_count": len(snapshots),
        "current_snapshot_id": None if current is None else str(current.snapshotId()),
        "snapshots": [
            {
                "snapshot_id": str(s.snapshot_id),
                "parent_id": None if s.parent_id is None else str(s.parent_id),
                "operation": s.operation,
            }
            for s in snapshots
        ],
        "refs": sorted(
            [
                {
                    "name": r.name,
                    "type": r.type.lower(),
                    "snapshot_id": str(r.snapshot_id),
                    "max_ref_age_ms": r.max_reference_age_in_ms,
                    "min_snapshots_to_keep": r.min_snapshots_to_keep,
                    "max_snapshot_age_ms": r.max_snapshot_age_in_ms,
                }
                for r in refs
            ],
            key=lambda r: r["name"],
        ),
        "data_file_count": len(data),
        "total_size_bytes": sum(f.file_size_in_bytes for f in data),
        "record_count": sum(f.record_count for f in data),
        "delete_file_count": len(deletes),
        "position_delete_files": len(position) - len(vectors),
        "deletion_vectors": len(vectors),
        "equality_delete_files": len(deletes) - len(position),
        "position_deleted_rows": sum(f.record_count for f in position),
        "manifest_count": spark.sql(f"SELECT * FROM {table}.manifests").count(),
        "files": sorted(
            [f.content, f.file_path, f.spec_id, f.record_count, f.file_size_in_bytes]
            for f in files
        ),
    }


def namespaces_below(spark, parent):
    for row in spark.sql(f"SHOW NAMESPACES IN {parent}").collect():
        name = row.namespace
        yield name
        yield from namespaces_below(spark, f"{CATALOG}.{name}")


def main(warehouse, jar):
    spark = open_session(warehouse, jar)
    spark.sparkContext.setLogLevel("ERROR")
    for namespace in ("db", "a", "a.b"):
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {namespace}")
    for step in (
        write_plain, write_partitioned, write_deletes, write_evolved, write_history,
        write_storage_forms, write_types,
    ):
        step(spark)
    namespaces = sorted(set(namespaces_below(spark, CATALOG)))
    tables = {}
    for namespace in namespaces:
        for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{namespace}").collect():
            quoted = f"{namespace}.`{row.tableName}`"
            tables[f"{namespace}.{row.tableName}"] = figures(spark, quoted)
    print("FIGURES " + json.dumps({"namespaces": namespaces, "tables": tables}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
