"""Runs queries with native DuckDB, and shows results of others as it shows its own, one command a line.

Usage: duckdb_query.py

Commands are JSON objects, each answered with a line "RESULT " and JSON, or "ERROR " and a message:
{"write": {"first": file, "second": file}} writes the rows that all tables are made of,
{"view": "db.name", "files": [...]} makes Parquet files a table,
{"rename": file, "to": file} copies rows under the column names that tables have by the second part,
{"sql": query, "arrow": file} gives the rows of the query and those of an Arrow stream in a file, both
as exact_rows.py writes them.
"""

import json
import sys

import duckdb
import pyarrow as pa

from exact_rows import lines

# Halves and quarters: sums of floats do not depend on the order then.
SALES = """
SELECT
  i::BIGINT AS id,
  CASE WHEN i % 11 = 0 THEN NULL ELSE 'r' || (i % 7) END AS region,
  (i * 1.25 - 1000)::DECIMAL(12, 2) AS amount,
  CASE WHEN i % 13 = 0 THEN NULL WHEN i % 501 = 0 THEN 'nan'::DOUBLE ELSE i / 4.0 END::DOUBLE AS price,
  (i % 17)::INTEGER AS qty,
  make_timestamptz(1767225600000000 + i * 977000001) AS ts,
  make_timestamp(1767225600000000 + i * 613000000) AS local_ts,
  (DATE '2026-01-01' + (i % 90)::INTEGER)::DATE AS day,
  CASE WHEN i % 19 = 0 THEN NULL ELSE ['t' || (i % 3), 'u' || (i % 5)] END AS tags,
  MAP {'k': i::INTEGER, 'm': (i % 4)::INTEGER} AS attrs,
  {'name': 'n' || (i % 9), 'age': (i % 80)::INTEGER} AS person,
  '{"user": {"name": "n' || (i % 9) || '", "score": ' || i || '}, "list": [' || i || ', 9007199254740993]}' AS js,
  i % 2 = 0 AS flag
FROM range(?, ?) r(i) ORDER BY i
"""


def write(connection, files: dict) -> None:
    for name, (start, end) in {"first": (0, 4000), "second": (4000, 6000)}.items():
        found = connection.execute(SALES, [start, end]).to_arrow_table()
        connection.register("found", found)
        connection.execute(f"COPY (FROM found) TO '{files[name]}' (FORMAT parquet)")
        connection.unregister("found")


def view(connection, name: str, files: list) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
    listed = ", ".join(f"'{file}'" for file in files)
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS FROM read_parquet([{listed}])")


def rename(connection, source: str, target: str) -> None:
    wide = f"SELECT * REPLACE (qty::BIGINT AS qty), NULL::VARCHAR AS note FROM '{source}'"
    named = f"SELECT * RENAME (qty AS quantity) FROM ({wide})"
    connection.execute(f"COPY ({named}) TO '{target}' (FORMAT parquet)")


def compare(connection, sql: str, arrow: str) -> dict:
    with pa.OSFile(arrow, "rb") as source:
        actual = pa.ipc.open_stream(source).read_all()
    expected = connection.execute(sql).to_arrow_table()
    return {
        "expected": lines(expected),
        "actual": lines(actual),
        "columns": [expected.column_names, actual.column_names],
        "zones": [zoned(expected), zoned(actual)],
    }


def zoned(table: pa.Table) -> list:
    """Whether each column is a timestamp with a zone: its values alone do not tell."""
    return [pa.types.is_timestamp(kind) and kind.tz is not None for kind in table.schema.types]


def answer(connection, command: dict):
    if "write" in command:
        return write(connection, command["write"])
    if "view" in command:
        return view(connection, command["view"], command["files"])
    if "rename" in command:
        return rename(connection, command["rename"], command["to"])
    return compare(connection, command["sql"], command["arrow"])


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
