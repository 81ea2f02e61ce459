"""Writes tables with PyIceberg by turns with another writer, one command a line.

Usage: pyiceberg_turns.py <catalog properties as JSON> <catalog name>

Commands are JSON arrays, each answered with a line "RESULT " and JSON, or "ERROR " and a message:
["create", table, format version, transforms] makes a table of many types, split by each transform
that is given by its column and its name, ["append", table, first, count] adds rows of these numbers, with
values for whatever columns the table has, ["delete", table, filter] rewrites the files that have such
rows, ["overwrite", table, filter, first, count] also adds some, ["respec", table, columns to remove,
transforms to add] changes the partitioning, ["evolve", table] the schema, and ["rows", table]
gives all rows as exact_rows.py writes them.
"""

import datetime
import decimal
import json
import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType,
    ListType, LongType, MapType, NestedField, StringType, StructType, TimestampType,
    TimestamptzType, TimeType, UUIDType,
)

from exact_rows import lines

COLUMNS = {
    "i": IntegerType(), "f": FloatType(), "d": DoubleType(), "b": BooleanType(), "s": StringType(),
    "o": BinaryType(), "x": FixedType(5), "u": UUIDType(), "dt": DateType(), "tm": TimeType(),
    "ts": TimestampType(), "tz": TimestamptzType(), "m": DecimalType(9, 2),
}

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    *[NestedField(at, name, kind) for at, (name, kind) in enumerate(COLUMNS.items(), 2)],
    NestedField(
        20, "st",
        StructType(
            NestedField(21, "a", IntegerType(), required=False),
            NestedField(22, "c", StringType(), required=False),
        ),
        required=False,
    ),
    NestedField(30, "li", ListType(31, LongType(), element_required=False), required=False),
    NestedField(
        40, "ma", MapType(41, StringType(), 42, DoubleType(), value_required=False), required=False
    ),
)

START = datetime.datetime(1969, 12, 30, 22, 59, 59, 999999)


def value(number: int, kind: pa.DataType):
    """Some value of a type; every seventh is null."""
    if number % 7 == 6:
        return None
    if pa.types.is_boolean(kind):
        return number % 2 == 0
    if pa.types.is_integer(kind):
        return (number - 20) * (2**40 + 1 if kind.bit_width == 64 else 1_000_003)
    if pa.types.is_floating(kind):
        return [float("nan"), -0.0, float("inf"), number / 4][number % 4]
    if pa.types.is_decimal(kind):
        return decimal.Decimal(number - 20).scaleb(-kind.scale)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ["", "\u00fc\U0001F600", f"text {number % 5}"][number % 3]
    if pa.types.is_fixed_size_binary(kind):
        return bytes([number % 256] * kind.byte_width)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return bytes([number % 256, 0, 255])
    if pa.types.is_date(kind):
        return datetime.date(1969, 12, 1) + datetime.timedelta(days=number * 9)
    if pa.types.is_time(kind):
        return (datetime.datetime.min + datetime.timedelta(hours=number % 24)).time()
    if pa.types.is_timestamp(kind):
        zone = datetime.timezone.utc if kind.tz else None
        return (START + datetime.timedelta(hours=number * 7)).replace(tzinfo=zone)
    if pa.types.is_struct(kind):
        return {field.name: value(number + 1, field.type) for field in kind}
    if pa.types.is_map(kind):
        return [(f"k{at}", value(number + at, kind.item_type)) for at in range(number % 3)]
    return [value(number + at, kind.value_type) for at in range(number % 4)]


def arrow_rows(table, first: int, count: int) -> pa.Table:
    schema = table.schema().as_arrow()
    columns = []
    for column in schema:
        numbers = range(first, first + count)
        if column.name == "id":
            columns.append(pa.array(numbers, column.type))
            continue
        kind = column.type.storage_type if isinstance(column.type, pa.UuidType) else column.type
        array = pa.array([value(number, kind) for number in numbers], kind)
        columns.append(array if kind == column.type else array.cast(column.type))
    return pa.Table.from_arrays(columns, schema=schema)


class Tables:
    def __init__(self, catalog):
        self.catalog = catalog

    def create(self, name: str, version: int, transforms: list) -> None:
        fields = [
            PartitionField(SCHEMA.find_field(column).field_id, 1000 + at, parse_transform(how), f"p{at}")
            for at, (column, how) in enumerate(transforms)
        ]
        self.catalog.create_namespace_if_not_exists("db")
        self.catalog.create_table(
            name, SCHEMA, partition_spec=PartitionSpec(*fields),
            properties={"format-version": str(version)},
        )

    def append(self, name: str, first: int, count: int) -> None:
        table = self.catalog.load_table(name)
        table.append(arrow_rows(table, first, count))

    def delete(self, name: str, where: str) -> None:
        self.catalog.load_table(name).delete(where)

    def overwrite(self, name: str, where: str, first: int, count: int) -> None:
        table = self.catalog.load_table(name)
        table.overwrite(arrow_rows(table, first, count), where)

    def respec(self, name: str, removed: list, added: list) -> None:
        with self.catalog.load_table(name).update_spec() as update:
            for field in removed:
                update.remove_field(field)
            for column, how in added:
                update.add_field(column, parse_transform(how), f"{column}_{how.split('[')[0]}")

    def evolve(self, name: str) -> None:
        with self.catalog.load_table(name).update_schema() as update:
            update.add_column("n", IntegerType())
            update.add_column(("st", "more"), DoubleType())
            update.update_column("i", LongType())
            update.update_column("f", DoubleType())
            update.update_column("m", DecimalType(30, 2))
            update.rename_column("s", "text")
            update.delete_column("o")
            update.move_first("u")

    def rows(self, name: str) -> list:
        return lines(self.catalog.load_table(name).scan().to_arrow())


def main(properties: str, name: str) -> None:
    tables = Tables(load_catalog(name, **json.loads(properties)))
    print("READY", flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        try:
            result = getattr(tables, command)(*arguments)
            print("RESULT " + json.dumps(result), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
