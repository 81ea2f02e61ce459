"""Tables that PyIceberg writes into any catalog, and what it then says of them.

Used by pyiceberg_sql.py (SqlCatalog on SQLite) and pyiceberg_rest.py (a REST catalog).
"""

import datetime
import decimal
import uuid

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.transforms import (
    BucketTransform, DayTransform, HourTransform, IdentityTransform, MonthTransform,
    TruncateTransform, YearTransform,
)
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType,
    ListType, LongType, MapType, NestedField, StringType, StructType, TimestampType,
    TimestamptzType, TimeType, UUIDType,
)

SIMPLE = Schema(
    NestedField(1, "id", LongType(), required=True, doc="key"),
    NestedField(2, "name", StringType()),
    NestedField(3, "ts", TimestampType()),
    identifier_field_ids=[1],
)

ALL_TYPES = Schema(
    NestedField(1, "bo", BooleanType()),
    NestedField(2, "i", IntegerType()),
    NestedField(3, "l", LongType()),
    NestedField(4, "f", FloatType()),
    NestedField(5, "d", DoubleType()),
    NestedField(6, "m", DecimalType(38, 10)),
    NestedField(7, "da", DateType()),
    NestedField(8, "ti", TimeType()),
    NestedField(9, "ts", TimestampType()),
    NestedField(10, "tz", TimestamptzType()),
    NestedField(11, "s", StringType()),
    NestedField(12, "u", UUIDType()),
    NestedField(13, "fx", FixedType(16)),
    NestedField(14, "b", BinaryType(), doc="bytes"),
)

NESTED = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(
        2, "outer",
        StructType(
            NestedField(3, "a", IntegerType(), required=False),
            NestedField(
                4, "list",
                ListType(5, StructType(NestedField(6, "x", DateType(), required=False)),
                         element_required=False),
                required=False,
            ),
        ),
        required=False,
    ),
    NestedField(
        7, "tags", MapType(8, StringType(), 9, DecimalType(10, 2), value_required=False),
        required=False,
    ),
)


def rows(first: int, last: int) -> pa.Table:
    start = datetime.datetime(2024, 3, 1)
    return pa.table(
        {
            "id": pa.array(range(first, last), pa.int64()),
            "name": [f"name-{i}" for i in range(first, last)],
            "ts": pa.array([start + datetime.timedelta(hours=i) for i in range(first, last)],
                           pa.timestamp("us")),
        },
        schema=pa.schema([
            pa.field("id", pa.int64(), nullable=False),
            pa.field("name", pa.string()),
            pa.field("ts", pa.timestamp("us")),
        ]),
    )


def write_simple(catalog: Catalog, namespace: str) -> None:
    """Several snapshots; one table of each format version; one without data."""
    for version in ("1", "2"):
        table = catalog.create_table(
            f"{namespace}.v{version}_simple", SIMPLE, properties={"format-version": version}
        )
        for start in (0, 10, 20):
            table.append(rows(start, start + 10))
    catalog.create_table(f"{namespace}.empty", SIMPLE)


def write_types(catalog: Catalog, namespace: str) -> None:
    table = catalog.create_table(f"{namespace}.all_types", ALL_TYPES)
    moment = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
    table.append(
        pa.Table.from_pylist(
            [
                {
                    "bo": True, "i": -1, "l": 2**63 - 1, "f": float("nan"), "d": -0.0,
                    "m": decimal.Decimal("-1.5"), "da": datetime.date(1969, 12, 31),
                    "ti": datetime.time(23, 59, 59), "ts": moment,
                    "tz": moment.replace(tzinfo=datetime.timezone.utc), "s": "ü\U0001F600",
                    "u": uuid.UUID(int=7).bytes, "fx": b"0123456789abcdef", "b": b"\x00\xff",
                },
                {},
            ],
            schema=table.schema().as_arrow(),
        )
    )
    nested = catalog.create_table(f"{namespace}.nested", NESTED)
    nested.append(
        pa.Table.from_pylist(
            [
                {
                    "id": 1,
                    "outer": {"a": 1, "list": [{"x": datetime.date(2024, 1, 1)}]},
                    "tags": [("k", decimal.Decimal("1.25"))],
                },
                {"id": 2},
            ],
            schema=nested.schema().as_arrow(),
        )
    )


def write_partitioned(catalog: Catalog, namespace: str) -> None:
    """One table for each transform, and one with several that was partitioned anew later."""
    transforms = {
        "identity": (2, IdentityTransform()),
        "bucket": (1, BucketTransform(4)),
        "truncate": (2, TruncateTransform(6)),
        "year": (3, YearTransform()),
        "month": (3, MonthTransform()),
        "day": (3, DayTransform()),
        "hour": (3, HourTransform()),
    }
    for name, (source, transform) in transforms.items():
        spec = PartitionSpec(PartitionField(source, 1000, transform, f"p_{name}"))
        table = catalog.create_table(f"{namespace}.by_{name}", SIMPLE, partition_spec=spec)
        table.append(rows(0, 30))
    spec = PartitionSpec(
        PartitionField(3, 1000, DayTransform(), "ts_day"),
        PartitionField(1, 1001, BucketTransform(2), "id_bucket"),
    )
    order = SortOrder(
        SortField(3, IdentityTransform(), SortDirection.DESC, NullOrder.NULLS_LAST)
    )
    table = catalog.create_table(
        f"{namespace}.respecified", SIMPLE, partition_spec=spec, sort_order=order
    )
    table.append(rows(0, 40))
    with table.update_spec() as update:
        update.remove_field("id_bucket")
        update.add_field("name", TruncateTransform(3), "name_start")
    table.append(rows(40, 80))


def write_evolved(catalog: Catalog, namespace: str) -> None:
    """Renamed, added, dropped, moved and widened columns after data was written."""
    schema = Schema(
        NestedField(1, "id", IntegerType()), NestedField(2, "old_name", StringType()),
        NestedField(3, "gone", FloatType()),
    )
    table = catalog.create_table(f"{namespace}.evolved", schema)
    table.append(
        pa.table({"id": pa.array([1], pa.int32()), "old_name": ["a"],
                  "gone": pa.array([1.0], pa.float32())})
    )
    with table.update_schema() as update:
        update.rename_column("old_name", "new_name")
        update.add_column("added", StringType(), doc="said later")
        update.update_column("id", LongType())
        update.delete_column("gone")
        update.move_first("added")
    table.append(
        pa.table({"added": ["x"], "id": pa.array([2], pa.int64()), "new_name": ["b"]})
    )


def write_history(catalog: Catalog, namespace: str) -> None:
    """Tags, branches, overwrites, deletes (copy on write) and an expired snapshot."""
    table = catalog.create_table(f"{namespace}.history", SIMPLE)
    table.append(rows(0, 10))
    first = table.current_snapshot().snapshot_id
    table.append(rows(10, 20))
    second = table.current_snapshot().snapshot_id
    with table.manage_snapshots() as manage:
        manage.create_tag(first, "first", max_ref_age_ms=86400000)
        manage.create_branch(second, "audit", min_snapshots_to_keep=2,
                             max_snapshot_age_ms=3600000)
    table.append(rows(90, 95), branch="audit")
    table.delete("id < 5")
    table.overwrite(rows(0, 3), overwrite_filter="id >= 15")
    emptied = catalog.create_table(f"{namespace}.emptied", SIMPLE)
    emptied.append(rows(0, 5))
    emptied.delete("id >= 0")


def write_all(catalog: Catalog, namespace: str, plain: bool = False) -> None:
    steps = (write_simple, write_types, write_partitioned)
    for step in steps if plain else (*steps, write_evolved, write_history):
        step(catalog, namespace)


def tables_below(catalog: Catalog, parent=()):
    """Identifiers of all tables, namespaces walked into depth."""
    for namespace in catalog.list_namespaces(parent):
        yield from catalog.list_tables(namespace)
        if len(namespace) > len(parent):
            yield from tables_below(catalog, namespace)
