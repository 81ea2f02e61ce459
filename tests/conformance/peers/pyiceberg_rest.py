"""Writes tables through a REST catalog with PyIceberg and prints what it says of them as JSON.

Usage: pyiceberg_rest.py <catalog properties as JSON> [--plain]

--plain leaves out what Nessie refuses: it serves the newest snapshot only, and demands the
`last-column-id` of an add-schema update, which PyIceberg no longer sends.
"""

import json
import sys

from pyiceberg.catalog.rest import RestCatalog

from pyiceberg_figures import figures
from pyiceberg_tables import SIMPLE, rows, tables_below, write_all


def main(properties: dict, plain: bool) -> None:
    catalog = RestCatalog("peer", **properties)
    for namespace in (("db",), ("db", "inner"), ("db", "inner", "most"), ("nothing_inside",)):
        catalog.create_namespace(namespace)
    write_all(catalog, "db", plain)
    catalog.create_table(("db", "inner", "most", "deep"), SIMPLE).append(rows(0, 5))
    tables = {
        ".".join(identifier): figures(catalog.load_table(identifier))
        for identifier in tables_below(catalog)
    }
    print("FIGURES " + json.dumps({
        "namespaces": ["db", "db.inner", "db.inner.most", "nothing_inside"], "tables": tables,
    }))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), "--plain" in sys.argv)
