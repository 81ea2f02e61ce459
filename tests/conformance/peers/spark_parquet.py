"""Copies a Parquet file with Spark in every way that Spark knows.

Usage: spark_parquet.py <source file> <folder>

Leaves `<name>.parquet` for each way; the names go out, and how many rows a filter on `id` finds.
"""

import json
import shutil
import sys
from pathlib import Path

from pyspark.sql import SparkSession

WAYS = {
    "plain": ({}, {}),
    "legacy": ({"spark.sql.parquet.writeLegacyFormat": "true"}, {}),
    "micros": ({"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}, {}),
    "millis": ({"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS"}, {}),
    "gzip": ({}, {"compression": "gzip"}),
    "lz4_hadoop": ({}, {"compression": "lz4"}),
    "lz4_raw": ({}, {"compression": "lz4_raw"}),
    "zstd": ({}, {"compression": "zstd"}),
    "pages_v2": ({}, {"parquet.writer.version": "v2"}),
    "small_groups": ({}, {"parquet.block.size": "4096", "parquet.page.size": "256"}),
}


def main(source: str, folder: Path) -> None:
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("drls-parquet")
        # As in spark_warehouse.py.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    for name, (settings, options) in WAYS.items():
        for key, value in settings.items():
            spark.conf.set(key, value)
        target = folder / f"{name}.d"
        spark.read.parquet(source).coalesce(1).write.options(**options).parquet(str(target))
        for key in settings:
            spark.conf.unset(key)
        [part] = target.glob("part-*.parquet")
        part.rename(folder / f"{name}.parquet")
        shutil.rmtree(target)
    found = spark.read.parquet(source).where("id BETWEEN 100 AND 199").count()
    print("FIGURES " + json.dumps({"names": sorted(WAYS), "found": found}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
