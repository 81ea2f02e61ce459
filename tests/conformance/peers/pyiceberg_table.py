"""Reads and changes one table with PyIceberg, one command a line.

Usage: pyiceberg_table.py <catalog properties as JSON> <catalog name> <table>

Commands are JSON arrays, each answered with a line "RESULT " and JSON: ["rows"], ["append", rows],
["delete", filter], ["files"], ["entries"], ["snapshots"], ["manifests"]. Rows are [id, region].
"""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog

SCHEMA = pa.schema([
    pa.field("id", pa.int64(), nullable=False),
    pa.field("region", pa.string()),
])


def rows(table) -> list:
    found = table.scan().to_arrow().to_pylist()
    return sorted([row["id"], row["region"]] for row in found)


def append(table, values: list) -> None:
    added = [{"id": number, "region": region} for number, region in values]
    table.append(pa.Table.from_pylist(added, schema=SCHEMA))


def files(table) -> list:
    found = table.inspect.files().to_pylist()
    return sorted([f["content"], f["file_path"], f["record_count"]] for f in found)


def entries(table) -> list:
    """Of every manifest of every snapshot, each manifest once."""
    manifests = {m.manifest_path: m for s in table.metadata.snapshots for m in s.manifests(table.io)}
    return [
        [
            entry.status.value,
            str(entry.snapshot_id),
            entry.sequence_number,
            entry.file_sequence_number,
            entry.data_file.file_path,
        ]
        for manifest in manifests.values()
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
    ]


def snapshots(table) -> list:
    return [
        [str(s.snapshot_id), s.summary.operation.value, dict(s.summary.additional_properties)]
        for s in table.metadata.snapshots
    ]


def manifests(table) -> list:
    found = table.inspect.manifests().to_pylist()
    return [
        [
            m["path"],
            m["length"],
            str(m["added_snapshot_id"]),
            m["added_data_files_count"] + m["added_delete_files_count"],
            m["existing_data_files_count"] + m["existing_delete_files_count"],
            m["deleted_data_files_count"] + m["deleted_delete_files_count"],
        ]
        for m in found
    ]


COMMANDS = {
    "rows": rows,
    "append": append,
    "delete": lambda table, where: table.delete(where),
    "files": files,
    "entries": entries,
    "snapshots": snapshots,
    "manifests": manifests,
}


def main(properties: str, name: str, identifier: str) -> None:
    catalog = load_catalog(name, **json.loads(properties))
    print("READY", flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        try:
            result = COMMANDS[command](catalog.load_table(identifier), *arguments)
            print("RESULT " + json.dumps(result, default=str), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
