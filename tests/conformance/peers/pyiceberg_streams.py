"""Writes tables that streams read, and reads those that they write, in several catalogs, one command a line.

Usage: pyiceberg_streams.py <catalogs as JSON: properties by name>

A catalog of type "hadoop", which PyIceberg does not have, is only read. Commands are JSON arrays,
["verb", "catalog", "table", arguments...], each answered with a line "RESULT " and JSON, or "ERROR " and a
message. What the verbs do stands at the methods of `Streams`; those of pyiceberg_turns.py are there too.
Writes that others were faster than are tried again.
"""

import json
import random
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import ManifestEntryStatus
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.transforms import parse_transform
from pyiceberg.types import (
    DecimalType, DoubleType, IntegerType, LongType, NestedField, StringType, StructType,
    TimestamptzType,
)
from sqlalchemy.exc import OperationalError

from exact_rows import lines
from pyiceberg_turns import Tables, arrow_rows
from pyiceberg_whole import hadoop_metadata

EVENTS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "k", IntegerType()),
    NestedField(3, "name", StringType()),
    NestedField(4, "ts", TimestamptzType()),
    NestedField(5, "amount", DecimalType(10, 2)),
    NestedField(
        6, "st", StructType(NestedField(7, "a", IntegerType()), NestedField(8, "c", StringType()))
    ),
)

BUSY = (CommitFailedException, OperationalError, ValidationException)


class Streams:
    def __init__(self, properties: dict):
        self.properties = properties
        self.catalogs = {
            name: load_catalog(name, **given)
            for name, given in properties.items()
            if given["type"] != "hadoop"
        }

    def open(self, catalog: str, name: str):
        if catalog in self.catalogs:
            return self.catalogs[catalog].load_table(name)
        folder = f"{self.properties[catalog]['warehouse']}/{name.replace('.', '/')}"
        return StaticTable.from_metadata(hadoop_metadata(folder))

    def events(self, catalog: str, name: str, version: int, transforms: list) -> None:
        """Makes a table of events, split by transforms of columns."""
        fields = [
            PartitionField(EVENTS.find_field(column).field_id, 1000 + at, parse_transform(how), f"p{at}")
            for at, (column, how) in enumerate(transforms)
        ]
        self.catalogs[catalog].create_namespace_if_not_exists("db")
        self.catalogs[catalog].create_table(
            name, EVENTS, partition_spec=PartitionSpec(*fields),
            properties={"format-version": str(version)},
        )

    def everything(self, catalog: str, name: str, version: int, transforms: list) -> None:
        """Makes a table of every type."""
        Tables(self.catalogs[catalog]).create(name, version, transforms)

    def append(self, catalog: str, name: str, first: int, count: int, keys=None) -> None:
        """Adds rows of these numbers; with `keys`, `k` is what the number leaves when divided by it."""
        table = self.open(catalog, name)
        table.append(rows(table, first, count, keys))

    def delete(self, catalog: str, name: str, where: str) -> None:
        """Copy-on-write: files with such rows are written anew without them."""
        self.open(catalog, name).delete(where)

    def overwrite(self, catalog: str, name: str, where: str, first: int, count: int) -> None:
        table = self.open(catalog, name)
        table.overwrite(rows(table, first, count, None), where)

    def upsert(self, catalog: str, name: str, first: int, count: int) -> None:
        """Rows of these numbers get other values, or are added."""
        table = self.open(catalog, name)
        changed = rows(table, first, count, None)
        at = changed.column_names.index("name")
        changed = changed.set_column(
            at, changed.schema.field(at), pa.array(["upserted"] * count, changed.schema.field(at).type)
        )
        table.upsert(changed, join_cols=["id"])

    def evolve(self, catalog: str, name: str) -> None:
        """Adds columns at the top and in a struct, and widens one."""
        with self.open(catalog, name).update_schema() as update:
            update.add_column("score", DoubleType())
            update.add_column(("st", "more"), StringType())
            update.update_column("k", LongType())

    def respec(self, catalog: str, name: str, removed: list, added: list) -> None:
        Tables(self.catalogs[catalog]).respec(name, removed, added)

    def tag(self, catalog: str, name: str, tag: str, snapshot: str) -> None:
        self.open(catalog, name).manage_snapshots().create_tag(int(snapshot), tag).commit()

    def set(self, catalog: str, name: str, key: str, value: str) -> None:
        with self.open(catalog, name).transaction() as transaction:
            transaction.set_properties({key: value})

    def rows(self, catalog: str, name: str, columns: list | None) -> list:
        """All rows as exact_rows.py writes them; with `columns`, in their order."""
        found = self.open(catalog, name).scan().to_arrow()
        return lines(found if columns is None else found.select(columns))

    def added(self, catalog: str, name: str, operations: list) -> list:
        """Rows of the data files that snapshots of these operations added, as they are in them."""
        table = self.open(catalog, name)
        found = []
        for snapshot in table.metadata.snapshots:
            if snapshot.summary.operation.value not in operations:
                continue
            for manifest in snapshot.manifests(table.io):
                if manifest.added_snapshot_id != snapshot.snapshot_id:
                    continue
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                    if entry.status == ManifestEntryStatus.ADDED and entry.data_file.content == 0:
                        with table.io.new_input(entry.data_file.file_path).open() as file:
                            rows = pq.read_table(file)
                        found.extend(lines(rows.select([f.name for f in table.schema().fields])))
        return found

    def save(self, catalog: str, name: str, snapshot: str | None, file: str) -> int:
        """Writes all rows, of a snapshot where one is named, into a file of Arrow's; gives their number."""
        found = self.open(catalog, name).scan(
            snapshot_id=None if snapshot is None else int(snapshot)
        ).to_arrow()
        with pa.OSFile(file, "wb") as sink, pa.ipc.new_stream(sink, found.schema) as writer:
            writer.write_table(found)
        return found.num_rows

    def look(self, catalog: str, name: str) -> dict:
        """Its current snapshot, its history, and what else streams leave in a table."""
        table = self.open(catalog, name)
        metadata = table.metadata
        current = table.current_snapshot()
        return {
            "version": metadata.format_version,
            "columns": [[f.name, str(f.field_type), f.required] for f in table.schema().fields],
            "spec": [[str(f.transform), table.schema().find_column_name(f.source_id)]
                     for f in table.spec().fields],
            "head": None if current is None else str(current.snapshot_id),
            "snapshots": [[str(s.snapshot_id), s.summary.operation.value, dict(s.summary.additional_properties)]
                          for s in metadata.snapshots],
            "properties": table.properties,
            "files": 0 if current is None else sum(
                1 for manifest in current.manifests(table.io)
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
                if entry.data_file.content == 0
            ),
            "specs": sorted({} if current is None else {
                entry.data_file.spec_id
                for manifest in current.manifests(table.io)
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            }),
        }


def rows(table, first: int, count: int, keys: int | None) -> pa.Table:
    made = arrow_rows(table, first, count)
    if keys is None:
        return made
    at = made.column_names.index("k")
    field = made.schema.field(at)
    numbers = pa.array([number % keys for number in range(first, first + count)], field.type)
    return made.set_column(at, field, numbers)


def obey(streams: Streams, verb: str, arguments: list):
    for _ in range(100):
        try:
            return getattr(streams, verb)(*arguments)
        except BUSY:
            # Others were faster, or held a lock: nothing was changed.
            time.sleep(random.random() * 0.1)
    raise TimeoutError(f"{verb} never came through")


def main(catalogs: str) -> None:
    streams = Streams(json.loads(catalogs))
    print("READY", flush=True)
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        try:
            print("RESULT " + json.dumps(obey(streams, verb, arguments)), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
