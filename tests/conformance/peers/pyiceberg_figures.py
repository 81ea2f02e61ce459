"""What PyIceberg says of a table, in the shape that the conformance tests compare."""

from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.types import DecimalType, ListType, MapType, StructType

# The API shows Spark's names where Spark has one.
ENGINE_NAMES = {
    "long": "bigint",
    "timestamp": "timestamp_ntz",
    "timestamptz": "timestamp",
}


class MappedFileIO(PyArrowFileIO):
    """Reads a copied table: locations below the recorded one are looked up where it lies now."""

    def new_input(self, location: str):
        return super().new_input(self._map(location))

    def _map(self, location: str) -> str:
        recorded, found = self.properties["mapped.from"], self.properties["mapped.to"]
        clean = location.removeprefix("./")
        prefix = recorded.removeprefix("./")
        return found + clean[len(prefix):] if clean.startswith(prefix) else location


def engine_type(kind) -> str:
    """A type as `struct<a:int>`, `decimal(9,2)`, `bigint`."""
    if isinstance(kind, StructType):
        fields = ",".join(f"{f.name}:{engine_type(f.field_type)}" for f in kind.fields)
        return f"struct<{fields}>"
    if isinstance(kind, ListType):
        return f"array<{engine_type(kind.element_type)}>"
    if isinstance(kind, MapType):
        return f"map<{engine_type(kind.key_type)},{engine_type(kind.value_type)}>"
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    text = str(kind)
    return ENGINE_NAMES.get(text, text.replace("[", "(").replace("]", ")"))


def term(table: Table, field) -> str:
    """`day(ts)`, `bucket(16, id)`, `region`."""
    source = table.schema().find_column_name(field.source_id)
    text = str(field.transform)
    if text == "identity":
        return source
    if "[" in text:
        name, argument = text.rstrip("]").split("[")
        return f"{name}({argument}, {source})"
    return f"{text}({source})"


def live_entries(table: Table):
    """Live files of the current snapshot, read manifest by manifest."""
    snapshot = table.current_snapshot()
    if snapshot is None:
        return [], []
    manifests = snapshot.manifests(table.io)
    entries = [
        entry
        for manifest in manifests
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]
    return manifests, entries


def figures(table: Table) -> dict:
    manifests, entries = live_entries(table)
    files = [entry.data_file for entry in entries]
    data = [f for f in files if f.content == DataFileContent.DATA]
    position = [f for f in files if f.content == DataFileContent.POSITION_DELETES]
    equality = [f for f in files if f.content == DataFileContent.EQUALITY_DELETES]
    vectors = [f for f in position if f.file_format == FileFormat.PUFFIN]
    current = table.current_snapshot()
    return {
        "columns": [
            {
                "name": field.name,
                "type": engine_type(field.field_type),
                "nullable": not field.required,
                "comment": field.doc,
                "id": field.field_id,
            }
            for field in table.schema().fields
        ],
        "format_version": table.format_version,
        "schema_id": table.schema().schema_id,
        "partition_by": [term(table, field) for field in table.spec().fields],
        "sort_order": [
            f"{term(table, field)} {field.direction.value} {field.null_order.value.replace('-', ' ')}"
            for field in table.sort_order().fields
        ],
        "identifier_columns": sorted(table.schema().identifier_field_names()),
        "snapshot_count": len(table.snapshots()),
        "current_snapshot_id": None if current is None else str(current.snapshot_id),
        "snapshots": [
            {
                "snapshot_id": str(s.snapshot_id),
                "parent_id": None if s.parent_snapshot_id is None else str(s.parent_snapshot_id),
                "operation": s.summary.operation.value if s.summary else None,
            }
            for s in table.snapshots()
        ],
        "refs": sorted(
            [
                {
                    "name": name,
                    "type": ref.snapshot_ref_type.value,
                    "snapshot_id": str(ref.snapshot_id),
                    "max_ref_age_ms": ref.max_ref_age_ms,
                    "min_snapshots_to_keep": ref.min_snapshots_to_keep,
                    "max_snapshot_age_ms": ref.max_snapshot_age_ms,
                }
                for name, ref in table.metadata.refs.items()
            ],
            key=lambda r: r["name"],
        ),
        "data_file_count": len(data),
        "total_size_bytes": sum(f.file_size_in_bytes for f in data),
        "record_count": sum(f.record_count for f in data),
        "delete_file_count": len(position) + len(equality),
        "position_delete_files": len(position) - len(vectors),
        "deletion_vectors": len(vectors),
        "equality_delete_files": len(equality),
        "position_deleted_rows": sum(f.record_count for f in position),
        "manifest_count": len(manifests),
        "files": sorted(
            [int(f.content), f.file_path, f.spec_id, f.record_count, f.file_size_in_bytes]
            for f in files
        ),
    }
