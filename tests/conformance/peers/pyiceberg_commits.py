"""Adds columns to one table with PyIceberg, and prints those that were acknowledged as JSON.

Usage: pyiceberg_commits.py <catalog properties as JSON> <catalog name> <table> <label> <commits>

Waits for a line on its input, so that it can begin together with others.
"""

import json
import random
import sys
import time

from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.types import LongType
from sqlalchemy.exc import OperationalError


def main(properties: str, name: str, identifier: str, label: str, commits: str) -> None:
    catalog = load_catalog(name, **json.loads(properties))
    catalog.load_table(identifier)
    print("READY", flush=True)
    sys.stdin.readline()
    acknowledged = []
    conflicts = 0
    while len(acknowledged) < int(commits):
        column = f"{label}_{len(acknowledged)}"
        try:
            catalog.load_table(identifier).update_schema().add_column(column, LongType()).commit()
            acknowledged.append(column)
        except (CommitFailedException, OperationalError):
            # Lost to another commit, or to a lock: nothing was changed.
            conflicts += 1
            time.sleep(random.random() * 0.05)
    print("FIGURES " + json.dumps({"acknowledged": acknowledged, "conflicts": conflicts}))


if __name__ == "__main__":
    main(*sys.argv[1:6])
