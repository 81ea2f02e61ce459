"""Peers of append_bench.ts, each in its own virtual environment.

Usage: append_peers.py duckdb FORMAT FILE
       append_peers.py pyiceberg parquet FILE

Prints a JSON list: what was done, its seconds by the clock and of processor, imports excluded, and the
most memory that its process ever had.
"""

import json
import os
import sys
import tempfile
import time

PARTITIONS = {"unpartitioned": [], "bucket": ["customer_id"], "identity": ["country"]}


def measured(name, task):
    cpu, start = os.times(), time.perf_counter()
    task()
    seconds, after = time.perf_counter() - start, os.times()
    used = after.user + after.system - cpu.user - cpu.system
    return {"name": name, "seconds": seconds, "cpu_seconds": used, "peak_mib": peak_mib()}


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def duckdb(kind, path, folder):
    import duckdb

    readers = {"parquet": "read_parquet", "ndjson": "read_json", "csv": "read_csv"}
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    source = f"{readers[kind]}('{path}'{', format = ' + repr('newline_delimited') if kind == 'ndjson' else ''})"
    into = f"{folder}/orders"
    yield measured(
        "native DuckDB, one file",
        lambda: connection.execute(f"COPY (FROM {source}) TO '{into}.parquet' (FORMAT parquet, COMPRESSION zstd)"),
    )
    yield measured(
        "native DuckDB, by country",
        lambda: connection.execute(
            f"COPY (FROM {source}) TO '{into}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (country))"
        ),
    )


def pyiceberg(_kind, path, folder):
    import pyarrow.parquet as pq
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.transforms import BucketTransform, IdentityTransform

    catalog = SqlCatalog("bench", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("shop")
    rows = pq.read_table(path)
    for name, columns in PARTITIONS.items():
        table = catalog.create_table(f"shop.{name}", rows.schema)
        transform = BucketTransform(16) if name == "bucket" else IdentityTransform()
        with table.update_spec() as update:
            for column in columns:
                update.add_field(column, transform, f"by_{column}")
        yield measured(f"PyIceberg, {name}, rows in memory", lambda: table.append(rows))
    del rows
    table = catalog.create_table("shop.read", pq.read_schema(path))
    yield measured("PyIceberg, unpartitioned, file read first", lambda: table.append(pq.read_table(path)))


def main(peer, kind, path):
    with tempfile.TemporaryDirectory(prefix="drls-bench-") as folder:
        print(json.dumps(list({"duckdb": duckdb, "pyiceberg": pyiceberg}[peer](kind, path, folder))))


if __name__ == "__main__":
    main(*sys.argv[1:4])
