"""PyIceberg doing what drls is measured at: a table's schema, and its health figures from manifests.

Usage: pyiceberg_metadata.py METADATA_JSON RUNS
Prints one JSON object: seconds per run of each task (imports excluded), and the figures found.
"""

import json
import sys
import time

from pyiceberg.table import StaticTable


def health(table):
    """Counts and sizes of live files, as a health report needs them."""
    files = bytes_ = rows = deletes = small = 0
    snapshot = table.metadata.current_snapshot()
    for manifest in snapshot.manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            data_file = entry.data_file
            if data_file.content.value == 0:
                files += 1
                bytes_ += data_file.file_size_in_bytes
                rows += data_file.record_count
                small += data_file.file_size_in_bytes < 402653184
            else:
                deletes += 1
    return {"data_file_count": files, "total_size_bytes": bytes_, "record_count": rows,
            "delete_file_count": deletes, "small_file_count": small}


def timed(task):
    start = time.perf_counter()
    result = task()
    return time.perf_counter() - start, result


def main(metadata_location, runs):
    schema_seconds, health_seconds, figures = [], [], None
    for _ in range(runs):
        # A fresh table each run: PyIceberg keeps manifest lists of a table object in memory.
        seconds, table = timed(lambda: StaticTable.from_metadata(metadata_location))
        columns = [(f.name, str(f.field_type)) for f in table.schema().fields]
        schema_seconds.append(seconds)
        load, table = timed(lambda: StaticTable.from_metadata(metadata_location))
        seconds, figures = timed(lambda: health(table))
        health_seconds.append(load + seconds)
    print(json.dumps({"schema_seconds": schema_seconds, "health_seconds": health_seconds,
                      "columns": len(columns), "figures": figures}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
