"""Says whether tables are whole, one command a line: what PyIceberg reads, and what lies on disk.

Usage: pyiceberg_whole.py <catalog properties as JSON> <catalog name>

The command ["look", table, folder] is answered with a line "RESULT " and JSON, see `look`. With
{"type": "hadoop"} as properties, the table is its folder. Rows must be those of `EXPECTED`.
"""

import json
import os
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import ManifestEntryStatus
from pyiceberg.table import StaticTable

VERSION = re.compile(r"v(\d+)(?:\.gz)?\.metadata\.json$")

# What a row's columns hold, by field id, given its id.
EXPECTED = {
    2: lambda i: pc.bit_wise_and(i, 3),
    3: lambda i: pc.binary_join_element_wise("n", pc.cast(i, pa.string()), ""),
    4: lambda i: pc.binary_join_element_wise("note", pc.cast(pc.bit_wise_and(i, 7), pa.string()), ""),
    5: lambda i: pc.bit_wise_and(i, 1023),
}


def path_of(location: str) -> str:
    return re.sub(r"^file:/+", "/", location)


def is_checksum(name: str) -> bool:
    """Java's file system writes one beside each file."""
    return name.startswith(".") and name.endswith(".crc")


def hadoop_metadata(folder: str):
    """As Java looks for it: the hint, else a listing; then whatever versions follow."""
    metadata = Path(folder) / "metadata"
    hint = metadata / "version-hint.text"
    named = lambda version: metadata / f"v{version}.metadata.json"
    version = int(hint.read_text()) if hint.exists() else None
    if version is None or not named(version).exists():
        names = os.listdir(metadata) if metadata.exists() else []
        versions = [int(m.group(1)) for m in map(VERSION.match, names) if m]
        version = max(versions, default=None)
    if version is None:
        return None
    while named(version + 1).exists():
        version += 1
    return str(named(version))


class Eyes:
    def __init__(self, properties: dict, name: str):
        self.catalog = None if properties["type"] == "hadoop" else load_catalog(name, **properties)
        self.manifests = {}

    def open(self, identifier: str, folder: str):
        if self.catalog is None:
            location = hadoop_metadata(folder)
            return None if location is None else StaticTable.from_metadata(location)
        try:
            return self.catalog.load_table(identifier)
        except NoSuchTableError:
            return None

    def data_files(self, manifest, io) -> list:
        """Of all entries that are not deleted."""
        path = path_of(manifest.manifest_path)
        if path not in self.manifests:
            self.manifests[path] = [
                path_of(entry.data_file.file_path)
                for entry in manifest.fetch_manifest_entry(io, discard_deleted=False)
                if entry.status != ManifestEntryStatus.DELETED
            ]
        return self.manifests[path]

    def reachable(self, table) -> set:
        """What the snapshots need; all of it has to be there."""
        found = set()
        for snapshot in table.metadata.snapshots:
            found.add(path_of(snapshot.manifest_list))
            for manifest in snapshot.manifests(table.io):
                found.add(path_of(manifest.manifest_path))
                if os.path.exists(path_of(manifest.manifest_path)):
                    found.update(self.data_files(manifest, table.io))
        return found

    def look(self, identifier: str, folder: str) -> dict:
        table = self.open(identifier, folder)
        on_disk = {
            os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if not is_checksum(name)
        }
        if table is None:
            return {"table": None, "unreachable": relative(on_disk, folder)}
        needed = self.reachable(table)
        metadata = table.metadata
        named = {path_of(entry.metadata_file) for entry in metadata.metadata_log}
        named |= {path_of(table.metadata_location), f"{folder}/metadata/version-hint.text"}
        current = metadata.current_snapshot_id
        return {
            "table": {
                "format_version": metadata.format_version,
                "columns": [[f.field_id, f.name, str(f.field_type)] for f in table.schema().fields],
                "snapshots": [[str(s.snapshot_id), s.summary.operation.value] for s in metadata.snapshots],
                "current": None if current is None else str(current),
                **rows_of(table),
            },
            "missing": relative(needed - on_disk, folder),
            "unreachable": relative(on_disk - needed - named, folder),
        }


def relative(paths, folder: str) -> list:
    return sorted(os.path.relpath(path, folder) for path in paths)


def rows_of(table) -> dict:
    """Ids as runs of first and count, and how many rows do not hold what their id says."""
    rows = table.scan().to_arrow()
    if rows.num_rows == 0:
        return {"ids": [], "wrong_rows": 0}
    names = {field.field_id: field.name for field in table.schema().fields}
    rows = rows.sort_by(names[1])
    ids = rows.column(names[1]).combine_chunks()
    right = pa.array([True] * len(ids))
    for field_id, name in names.items():
        column = rows.column(name).combine_chunks()
        if field_id in EXPECTED:
            wanted = EXPECTED[field_id](ids)
            same = pc.equal(pc.cast(column, wanted.type), wanted)
        else:
            same = column.is_null() if field_id != 1 else column.is_valid()
        right = pc.and_(right, pc.fill_null(same, False))
    runs = []
    for value in ids.to_pylist():
        if runs and runs[-1][0] + runs[-1][1] == value:
            runs[-1][1] += 1
        else:
            runs.append([value, 1])
    return {"ids": runs, "wrong_rows": len(ids) - pc.sum(right).as_py()}


def main(properties: str, name: str) -> None:
    eyes = Eyes(json.loads(properties), name)
    print("READY", flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        try:
            result = {"look": eyes.look}[command](*arguments)
            print("RESULT " + json.dumps(result), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
