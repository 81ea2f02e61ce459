"""Writes a table with PyIceberg, and rows of tables as plain Parquet, one command a line.

Usage: pyiceberg_sales.py

Commands are JSON objects, each answered with a line "RESULT " and JSON, or "ERROR " and a message:
{"create": "db.name", "database": file, "warehouse": folder, "files": [first, second]} writes a table
of two files of rows that evolves in between, and deletes some of them,
{"dump": metadata file, "to": file} writes all rows of a table as one Parquet file.
"""

import json
import sys

import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import LongType, StringType


def create(command: dict) -> str:
    catalog = SqlCatalog(
        "drls", uri=f"sqlite:///{command['database']}", warehouse=f"file://{command['warehouse']}"
    )
    first, second = (pq.read_table(file) for file in command["files"])
    name = command["create"]
    catalog.create_namespace_if_not_exists(name.split(".")[0])
    table = catalog.create_table(name, schema=first.schema)
    with table.update_spec() as update:
        update.add_field("id", BucketTransform(4), "bucket")
    table.append(first)
    with table.update_schema() as update:
        update.update_column("qty", LongType())
        update.rename_column("qty", "quantity")
        update.add_column("note", StringType())
    columns = ["quantity" if one == "qty" else one for one in second.column_names]
    table.append(second.rename_columns(columns))
    table.delete("id >= 100 and id < 200")
    table.delete("region == 'r3' and id > 5000")
    return table.metadata_location


def dump(command: dict) -> int:
    rows = StaticTable.from_metadata(command["dump"]).scan().to_arrow()
    pq.write_table(rows, command["to"])
    return rows.num_rows


def main() -> None:
    print("READY", flush=True)
    for line in sys.stdin:
        try:
            command = json.loads(line)
            result = create(command) if "create" in command else dump(command)
            print("RESULT " + json.dumps(result), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main()
