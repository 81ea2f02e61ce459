"""What streams have to make of rows, said by native DuckDB, one command a line.

Usage: duckdb_streams.py

Commands are JSON objects, each answered with a line "RESULT " and JSON, or "ERROR " and a message:
{"sql": query, "files": {"name": file}} gives the rows of a query over Arrow streams in files, which it
names, as exact_rows.py writes them.
"""

import json
import sys

import duckdb
import pyarrow as pa

from exact_rows import lines


def answer(connection, sql: str, files: dict) -> list:
    for name, file in files.items():
        with pa.OSFile(file, "rb") as source:
            connection.register(name, pa.ipc.open_stream(source).read_all())
    try:
        return lines(connection.execute(sql).to_arrow_table())
    finally:
        for name in files:
            connection.unregister(name)


def main() -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    print("READY", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            rows = answer(connection, command["sql"], command["files"])
            print("RESULT " + json.dumps(rows), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main()
