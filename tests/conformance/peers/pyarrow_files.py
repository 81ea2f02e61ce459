"""Writes small Parquet files with Iceberg's field ids.

Reads one file a line as JSON, {"path", "columns": [{"name", "id", "type", "required", "values"}]}, and
answers each with a line "RESULT " and its size in bytes. Types are "long" and "string".
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {"long": pa.int64(), "string": pa.string()}


def write(path: str, columns: list) -> int:
    fields = [
        pa.field(
            column["name"],
            TYPES[column["type"]],
            nullable=not column["required"],
            metadata={"PARQUET:field_id": str(column["id"])},
        )
        for column in columns
    ]
    arrays = [pa.array(column["values"], TYPES[column["type"]]) for column in columns]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)
    return Path(path).stat().st_size


def main() -> None:
    print("READY", flush=True)
    for line in sys.stdin:
        print("RESULT " + json.dumps(write(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
