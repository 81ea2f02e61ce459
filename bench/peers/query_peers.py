"""Peers of query_bench.ts, each in its own virtual environment.

Usage: query_peers.py pyiceberg METADATA_JSON RUNS CASES_JSON
       query_peers.py duckdb FILES_JSON RUNS CASES_JSON

Cases are objects with "name", "sql" over the table `orders`, and for PyIceberg "where" and "columns".
Prints one JSON object: seconds per run of each case, imports excluded, and how many rows came.
"""

import json
import sys
import time


def timed(task):
    start = time.perf_counter()
    rows = task()
    return time.perf_counter() - start, rows


def pyiceberg(metadata, cases):
    from pyiceberg.table import StaticTable

    def scan(case):
        # A fresh table each run, as a process has that answers one question.
        table = StaticTable.from_metadata(metadata)
        found = table.scan(row_filter=case["where"], selected_fields=tuple(case["columns"])).to_arrow()
        if case["group"] is not None:
            found = found.group_by(case["group"]).aggregate([("amount", "sum"), ("amount", "count")])
        return found.num_rows

    return {case["name"]: lambda case=case: scan(case) for case in cases}


def duckdb(files, cases):
    import duckdb

    with open(files) as listed:
        paths = json.load(listed)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    quoted = ", ".join(f"'{path}'" for path in paths)
    connection.execute(f"CREATE VIEW orders AS FROM read_parquet([{quoted}])")
    return {
        case["name"]: lambda case=case: connection.execute(case["sql"]).to_arrow_table().num_rows
        for case in cases
    }


def main(peer, source, runs, cases):
    tasks = {"pyiceberg": pyiceberg, "duckdb": duckdb}[peer](source, json.loads(cases))
    result = {}
    for name, task in tasks.items():
        measured = [timed(task) for _ in range(int(runs))]
        result[name] = {"seconds": [one for one, _ in measured], "rows": measured[-1][1]}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:5])
