"""Spark doing what drls is measured at, in one warm session over a hadoop warehouse.

Usage: spark_maintenance.py WAREHOUSE ICEBERG_JAR

Reads one SQL statement a line as JSON text, and answers each with one line of JSON: wall seconds, CPU
seconds of the whole session and the rows.
"""

import json
import os
import sys
import time

from pyspark.sql import SparkSession


def open_session(warehouse: str, jar: str) -> SparkSession:
    return (
        SparkSession.builder.master("local[2]")
        .appName("drls-bench")
        .config("spark.jars", jar)
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.extensions",
                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.bench", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.bench.type", "hadoop")
        .config("spark.sql.catalog.bench.warehouse", warehouse)
        .config("spark.sql.defaultCatalog", "bench")
        .getOrCreate()
    )


def main(warehouse: str, jar: str) -> None:
    spark = open_session(warehouse, jar)
    jvm = spark._jvm.java.lang.ProcessHandle.current().pid()

    def cpu_seconds() -> float:
        # Behind the name in brackets: user and system time of all threads, in ticks.
        with open(f"/proc/{jvm}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    print("READY", flush=True)
    for line in sys.stdin:
        try:
            cpu, start = cpu_seconds(), time.perf_counter()
            rows = [list(row) for row in spark.sql(json.loads(line)).collect()]
            seconds = time.perf_counter() - start
            used = cpu_seconds() - cpu
            print("RESULT " + json.dumps({"seconds": seconds, "cpu_seconds": used, "rows": rows},
                                         default=str), flush=True)
        except Exception as error:
            print("ERROR " + str(error).replace("\n", " ")[:2000], flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:3])
