"""Opens tables with PyIceberg, appends a row to each that has columns id and name, and prints what
it sees of them as JSON.

Usage: pyiceberg_tables_of.py <catalog properties as JSON> <catalog name> <table>...
"""

import json
import sys

import pyarrow as pa

from pyiceberg.catalog import load_catalog


def main(properties: str, name: str, *tables: str) -> None:
    catalog = load_catalog(name, **json.loads(properties))
    seen = {}
    for identifier in tables:
        table = catalog.load_table(identifier)
        schema = pa.schema([pa.field("id", pa.int64()), pa.field("name", pa.string())])
        table.append(pa.Table.from_pylist([{"id": 1, "name": "peer"}], schema=schema))
        table = catalog.load_table(identifier)
        seen[identifier] = {
            "format_version": table.metadata.format_version,
            "uuid": str(table.metadata.table_uuid),
            "columns": [[field.field_id, field.name] for field in table.schema().fields],
            "partition_by": [str(field.transform) for field in table.spec().fields],
            "properties": dict(table.properties),
            "rows": len(table.scan().to_arrow()),
            "metadata_log": len(table.metadata.metadata_log),
        }
    print("FIGURES " + json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
