"""Reads data files of drls with DuckDB, one command a line.

Usage: duckdb_read.py

Commands are JSON objects {"files": [...], "columns": n}, each answered with a line "RESULT " and the
first n columns of all files as exact_rows.py writes them, or "ERROR " and a message.
"""

import json
import sys

import duckdb

from exact_rows import lines


def answer(connection, command: dict) -> list:
    # Folders are named after partitions, and a partition is not its rows' values.
    query = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
    found = connection.execute(query, [command["files"]]).to_arrow_table()
    return lines(found.select(range(command["columns"])))


def main() -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    print("READY", flush=True)
    for line in sys.stdin:
        try:
            print("RESULT " + json.dumps(answer(connection, json.loads(line))), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main()
