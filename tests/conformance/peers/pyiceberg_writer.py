"""Appends to one table with PyIceberg and deletes from it, one command a line, beside other writers.

Usage: pyiceberg_writer.py <catalog properties as JSON> <catalog name> <table>

The commands ["append", first id, count] and ["delete", first id, count] are answered with a line
"RESULT " and JSON: the snapshots that were committed, and how often others were faster. Rows are
those that pyiceberg_whole.py expects.
"""

import json
import random
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from sqlalchemy.exc import OperationalError

from pyiceberg_whole import EXPECTED

NAMES = {2: "part", 3: "name", 4: "note", 5: "score"}


def rows(first: int, count: int) -> pa.Table:
    ids = pa.array(range(first, first + count), pa.int64())
    columns = {"id": ids, **{NAMES[i]: expected(ids) for i, expected in EXPECTED.items()}}
    columns["score"] = pc.cast(columns["score"], pa.int32())
    return pa.table(columns)


def append(table, first: int, count: int) -> None:
    table.append(rows(first, count))


def delete(table, first: int, count: int) -> None:
    """Copy-on-write: files with such rows are written anew without them."""
    table.delete(And(GreaterThanOrEqual("id", first), LessThan("id", first + count)))


def obey(catalog, identifier: str, command: str, first: int, count: int) -> dict:
    conflicts = 0
    while True:
        table = catalog.load_table(identifier)
        before = {s.snapshot_id for s in table.metadata.snapshots}
        try:
            {"append": append, "delete": delete}[command](table, first, count)
            return {"snapshots": since(before, table.metadata), "conflicts": conflicts}
        except (CommitFailedException, OperationalError, ValidationException):
            # Lost to another commit, to a compaction of the same files, or to a lock: nothing was
            # changed.
            conflicts += 1
            time.sleep(random.random() * 0.1)


def since(before: set, metadata) -> list:
    """Snapshots from the current one back to those that were there; others' come later."""
    parents = {s.snapshot_id: s.parent_snapshot_id for s in metadata.snapshots}
    found, at = [], metadata.current_snapshot_id
    while at is not None and at not in before:
        found.append(str(at))
        at = parents.get(at)
    return found


def main(properties: str, name: str, identifier: str) -> None:
    catalog = load_catalog(name, **json.loads(properties))
    print("READY", flush=True)
    for line in sys.stdin:
        try:
            print("RESULT " + json.dumps(obey(catalog, identifier, *json.loads(line))), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
