"""Reads Parquet files of drls with DuckDB, and writes files in the ways that DuckDB knows.

Usage: duckdb_parquet.py read <file...>
       duckdb_parquet.py write <source file> <folder>

`read` prints the rows of each file as JSON lines with exact values (see exact_rows.py), and how
many rows a filter on the first column finds: DuckDB answers it from statistics and page indexes where
it can. `write` copies the source into `<name>.parquet` for each way; the names go out.
"""

import json
import sys
from pathlib import Path

import duckdb

from exact_rows import lines


def exact_rows(connection, path: str) -> list:
    relation = connection.sql(f"SELECT * FROM read_parquet('{path}')")
    shown = [
        f"replace(CAST({name} AS VARCHAR), '-', '') AS {name}" if str(kind) == "UUID" else name
        for name, kind in zip(relation.columns, relation.types)
    ]
    query = f"SELECT {', '.join(shown)} FROM read_parquet('{path}')"
    return lines(connection.sql(query).to_arrow_table())


def read(paths) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    answers = []
    for path in paths:
        found = connection.execute(
            f"SELECT count(*) FROM read_parquet('{path}') WHERE id BETWEEN 100 AND 199"
        ).fetchall()
        answers.append({"rows": exact_rows(connection, path), "found": found[0][0]})
    print("FIGURES " + json.dumps(answers))


def write(source: str, folder: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    ways = {
        "zstd": "COMPRESSION zstd",
        "snappy_v2": "COMPRESSION snappy, PARQUET_VERSION v2",
        "lz4_groups": "COMPRESSION lz4_raw, ROW_GROUP_SIZE 2048",
        "uncompressed_v2": "COMPRESSION uncompressed, PARQUET_VERSION v2",
    }
    for name, options in ways.items():
        connection.execute(
            f"COPY (SELECT * FROM read_parquet('{source}')) "
            f"TO '{folder}/{name}.parquet' (FORMAT parquet, {options})"
        )
    print("FIGURES " + json.dumps(sorted(ways)))


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(sys.argv[2:])
    else:
        write(sys.argv[2], Path(sys.argv[3]))
