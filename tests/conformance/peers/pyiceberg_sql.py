"""Writes tables with PyIceberg's SqlCatalog on SQLite and prints what it says of them as JSON.

Usage: pyiceberg_sql.py <SQLite file> <warehouse folder> <catalog name>
"""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog

from pyiceberg_figures import figures
from pyiceberg_tables import rows, write_all, write_simple, SIMPLE


def main(database: str, warehouse: str, name: str) -> None:
    catalog = SqlCatalog(name, uri=f"sqlite:///{database}", warehouse=f"file://{warehouse}")
    catalog.create_namespace("db")
    catalog.create_namespace("db.inner")
    catalog.create_namespace("nothing_inside")
    write_all(catalog, "db")
    catalog.create_table("db.inner.deep", SIMPLE).append(rows(0, 5))
    catalog.create_table("db.renamed_from", SIMPLE).append(rows(0, 5))
    catalog.rename_table("db.renamed_from", "db.renamed_to")
    catalog.create_table("db.dropped", SIMPLE)
    catalog.drop_table("db.dropped")
    # The name is part of the key: a neighbour's tables in the same file are not ours.
    neighbour = SqlCatalog(
        "neighbour", uri=f"sqlite:///{database}", warehouse=f"file://{warehouse}/neighbour"
    )
    neighbour.create_namespace("foreign")
    write_simple(neighbour, "foreign")
    tables = {}
    for namespace in ("db", "db.inner"):
        for identifier in catalog.list_tables(namespace):
            tables[".".join(identifier)] = figures(catalog.load_table(identifier))
    print("FIGURES " + json.dumps(
        {"namespaces": ["db", "db.inner", "nothing_inside"], "tables": tables}
    ))


if __name__ == "__main__":
    main(*sys.argv[1:4])
