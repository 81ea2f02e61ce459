"""DuckDB doing what drls is measured at: many Parquet files become one, in any order of rows.

Usage: duckdb_compaction.py THREADS

Reads one task a line as JSON, `{"files": [...], "into": path, "order_by": columns or null}`, and
answers each with one line of JSON: wall seconds, CPU seconds and the rows of the result.
"""

import json
import os
import sys
import time

import duckdb


def main(threads: int) -> None:
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("SET preserve_insertion_order = false")
    print("READY", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        order = f" ORDER BY {task['order_by']}" if task["order_by"] else ""
        into = task["into"]
        cpu, start = os.times(), time.perf_counter()
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({task['files']!r}){order}) "
            f"TO '{into}' (FORMAT parquet, COMPRESSION zstd)"
        )
        seconds, after = time.perf_counter() - start, os.times()
        used = after.user + after.system - cpu.user - cpu.system
        rows = connection.sql(f"SELECT count(*) FROM read_parquet('{into}')").fetchall()[0][0]
        print("RESULT " + json.dumps({"seconds": seconds, "cpu_seconds": used, "rows": rows}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
