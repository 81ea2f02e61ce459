"""Writes the rows of tables as PyIceberg reads them, one JSON line for each row.

Usage: pyiceberg_rows.py <folder of tables> <output folder>

Values are written as exact_rows.py writes them. Equality deletes, which PyIceberg does not
apply, are applied here row by row.
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFileContent

import pyiceberg_figures
from exact_rows import lines
from pyiceberg_fixtures import open_table

def entries(table):
    """Live data files and delete files with their data sequence numbers."""
    data, deletes = [], []
    for manifest in table.current_snapshot().manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            content = entry.data_file.content
            (data if content == DataFileContent.DATA else deletes).append(entry)
    return data, deletes


def read_raw(table, path: str) -> pa.Table:
    """A file's columns under the names that the table has for their ids today."""
    names = {str(field.field_id): field.name for field in table.schema().fields}
    rows = pq.read_table(table.io.new_input(path).open())
    ids = [(field.metadata or {}).get(b"PARQUET:field_id", b"").decode() for field in rows.schema]
    rows = rows.rename_columns(
        [names.get(field_id, name) for field_id, name in zip(ids, rows.column_names)]
    )
    for added in set(names.values()) - set(rows.column_names):
        rows = rows.append_column(added, pa.nulls(rows.num_rows))
    return rows


def rows_with_equality_deletes(table) -> list:
    """For tables whose columns were at most renamed and added."""
    names = {field.field_id: field.name for field in table.schema().fields}
    data, deletes = entries(table)
    result = []
    for entry in data:
        rows = read_raw(table, entry.data_file.file_path).select(list(names.values()))
        keep = [True] * rows.num_rows
        for delete in deletes:
            apply_delete(table, {"entry": entry, "delete": delete, "rows": rows, "keep": keep,
                                 "names": names})
        mask = pa.array(keep, pa.bool_())
        result.extend(lines(rows.filter(mask)))
    return result


def apply_delete(table, work: dict) -> None:
    entry, delete, rows, keep = (work[key] for key in ("entry", "delete", "rows", "keep"))
    file = delete.data_file
    if file.content == DataFileContent.POSITION_DELETES:
        if delete.sequence_number < entry.sequence_number:
            return
        gone = read_raw(table, file.file_path)
        for path, position in zip(*(gone.column(name).to_pylist() for name in ("file_path", "pos"))):
            if path == entry.data_file.file_path:
                keep[position] = False
        return
    unpartitioned = len(table.specs()[file.spec_id].fields) == 0
    same = file.spec_id == entry.data_file.spec_id and file.partition == entry.data_file.partition
    if delete.sequence_number <= entry.sequence_number or not (unpartitioned or same):
        return
    columns = [work["names"][field_id] for field_id in file.equality_ids]
    gone = set(lines(read_raw(table, file.file_path).select(columns)))
    for row, key in enumerate(lines(rows.select(columns))):
        if key in gone:
            keep[row] = False


def find_outside(root: Path) -> None:
    """One table has a data file outside of its folder; its path is relative to the collection."""
    inside = pyiceberg_figures.MappedFileIO._map

    def mapped(self, location: str) -> str:
        found = inside(self, location)
        prefix = "data/persistent/"
        return f"{root}/{found[len(prefix):]}" if found.startswith(prefix) else found

    pyiceberg_figures.MappedFileIO._map = mapped


def main(root: Path, output: Path) -> None:
    find_outside(root)
    tables, unreadable = {}, {}
    for metadata in sorted(root.glob("**/metadata")):
        folder = metadata.parent
        name = ".".join(folder.relative_to(root).parts)
        table = open_table(root, folder)
        try:
            rows = read_rows(table)
        except Exception as error:
            unreadable[name] = f"{type(error).__name__}: {error}"
            continue
        tables[name] = len(rows)
        (output / f"{name}.jsonl").write_text("\n".join(sorted(rows)))
    print("FIGURES " + json.dumps({"tables": tables, "unreadable": unreadable}))


def read_rows(table) -> list:
    if table.current_snapshot() is None:
        return []
    try:
        return lines(table.scan().to_arrow())
    except ValueError as error:
        if "equality deletes" not in str(error):
            raise
        return rows_with_equality_deletes(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
