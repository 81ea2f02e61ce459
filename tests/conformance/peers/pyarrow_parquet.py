"""Reads Parquet files of drls, and writes files in every way that PyArrow knows.

Usage: pyarrow_parquet.py read <file...>
       pyarrow_parquet.py write <folder>

`read` prints, for each file, its rows as JSON lines with exact values (see exact_rows.py) and
what its footer says. `write` leaves `<name>.parquet` for each way, and the rows that all of them hold
in `rows.jsonl`; the names go out.
"""

import datetime
import decimal
import json
import math
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from exact_rows import lines

ROWS = 257


def describe(path: str) -> dict:
    file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    table = file.read()
    table.validate(full=True)
    metadata = file.metadata
    return {
        "rows": lines(table),
        "schema": str(file.schema).split("\n", 1)[1],
        "created_by": metadata.created_by,
        "row_groups": metadata.num_row_groups,
        "codecs": sorted(
            {
                metadata.row_group(group).column(column).compression
                for group in range(metadata.num_row_groups)
                for column in range(metadata.num_columns)
            }
        ),
        "unindexed": {
            "offsets": without(metadata, lambda chunk: chunk.has_offset_index),
            "bounds": without(metadata, lambda chunk: chunk.has_column_index),
        },
        "statistics": [statistics(metadata, column) for column in range(metadata.num_columns)],
    }


def without(metadata, has) -> list:
    """Columns of which a chunk does not have something."""
    return sorted(
        {
            chunk.path_in_schema
            for group in range(metadata.num_row_groups)
            for column in range(metadata.num_columns)
            if not has(chunk := metadata.row_group(group).column(column))
        }
    )


def statistics(metadata, column: int) -> dict:
    """Bounds of a leaf over all row groups, as PyArrow understands them."""
    chunks = [metadata.row_group(i).column(column) for i in range(metadata.num_row_groups)]
    found = [chunk.statistics for chunk in chunks if chunk.statistics is not None]
    bounded = [s for s in found if s.has_min_max]
    return {
        "path": chunks[0].path_in_schema if chunks else None,
        "nulls": sum(s.null_count for s in found),
        "min": str(min(s.min_raw for s in bounded)) if bounded else None,
        "max": str(max(s.max_raw for s in bounded)) if bounded else None,
    }


def sometimes(make, every: int) -> list:
    return [None if row % every == 3 else make(row) for row in range(ROWS)]


def canonical() -> pa.Table:
    """Every type that Iceberg shares with Parquet, with nulls, edges and nesting."""
    start = datetime.datetime(1969, 12, 31, 23, 59, 58)
    utc = datetime.timezone.utc
    struct = pa.struct([("x", pa.int32()), ("y", pa.string())])
    columns = {
        "i": pa.array(sometimes(lambda r: (-1) ** r * r * 8_000_000, 5), pa.int32()),
        "l": pa.array(sometimes(lambda r: (-1) ** r * r**3 * 10**10, 7), pa.int64()),
        "f": pa.array(sometimes(lambda r: math.nan if r == 9 else r / 7, 6), pa.float32()),
        "d": pa.array(sometimes(lambda r: -math.inf if r == 8 else r**0.5, 9), pa.float64()),
        "b": pa.array(sometimes(lambda r: r % 3 == 0, 4), pa.bool_()),
        "s": pa.array(sometimes(lambda r: f"text ü {r % 20}" * (r % 4), 8), pa.string()),
        "o": pa.array(sometimes(lambda r: bytes([r % 256]) * (r % 5), 6), pa.binary()),
        "x": pa.array(sometimes(lambda r: r.to_bytes(5, "big"), 10), pa.binary(5)),
        "dt": pa.array(sometimes(lambda r: datetime.date(1969, 12, 30) + datetime.timedelta(r), 5)),
        "tm": pa.array(sometimes(lambda r: datetime.time(r % 24, r % 60, 1, 1000 * r), 5)),
        "ts": pa.array(
            sometimes(lambda r: start + datetime.timedelta(seconds=r, milliseconds=r), 6),
            pa.timestamp("us"),
        ),
        "tz": pa.array(
            sometimes(lambda r: (start + datetime.timedelta(days=r)).replace(tzinfo=utc), 6),
            pa.timestamp("us", tz="UTC"),
        ),
        "d5": pa.array(sometimes(lambda r: decimal.Decimal(r * (-1) ** r) / 100, 5), pa.decimal128(5, 2)),
        "d18": pa.array(
            sometimes(lambda r: decimal.Decimal(10**14 - r).scaleb(-3), 5), pa.decimal128(18, 3)
        ),
        "d38": pa.array(
            sometimes(lambda r: decimal.Decimal((-1) ** r * 10**28 * r).scaleb(-9, decimal.Context(prec=60)), 5),
            pa.decimal128(38, 9),
        ),
        "li": pa.array(sometimes(lambda r: [None if n == 2 else n for n in range(r % 5)], 6), pa.list_(pa.int32())),
        "ls": pa.array(
            sometimes(lambda r: [{"x": r, "y": None}, None][: r % 3], 6), pa.list_(struct)
        ),
        "ll": pa.array(sometimes(lambda r: [["a"] * (r % 3), None], 6), pa.list_(pa.list_(pa.string()))),
        "m": pa.array(
            sometimes(lambda r: [(f"k{n}", None if n == 1 else n) for n in range(r % 4)], 6),
            pa.map_(pa.string(), pa.int64()),
        ),
        "st": pa.array(sometimes(lambda r: {"x": None if r % 5 == 0 else r, "y": "y"}, 6), struct),
    }
    return pa.table(columns)


def other_types(table: pa.Table) -> pa.Table:
    """The same rows in Arrow types that PyArrow stores otherwise or hints at in its own schema."""
    changed = {
        "s": pa.large_string(),
        "o": pa.large_binary(),
        "li": pa.large_list(pa.int32()),
    }
    for name, kind in changed.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table.column(name).cast(kind))
    at = table.schema.get_field_index("l")
    return table.set_column(at, "l", table.column("l").dictionary_encode())


def with_ids(table: pa.Table) -> pa.Table:
    fields = [
        field.with_metadata({"PARQUET:field_id": str(at + 1)})
        for at, field in enumerate(table.schema)
    ]
    return table.cast(pa.schema(fields))


def ways() -> dict:
    flat = {
        "i": "DELTA_BINARY_PACKED",
        "l": "DELTA_BINARY_PACKED",
        "dt": "DELTA_BINARY_PACKED",
        "ts": "DELTA_BINARY_PACKED",
        "f": "BYTE_STREAM_SPLIT",
        "d": "BYTE_STREAM_SPLIT",
        "x": "BYTE_STREAM_SPLIT",
        "s": "DELTA_BYTE_ARRAY",
        "o": "DELTA_LENGTH_BYTE_ARRAY",
    }
    found = {
        f"codec_{codec}": {"compression": codec}
        for codec in ("none", "snappy", "gzip", "brotli", "lz4", "zstd")
    }
    found |= {
        "pages_v2": {"data_page_version": "2.0", "compression": "snappy"},
        "format_1": {"version": "1.0"},
        "encodings": {"use_dictionary": False, "column_encoding": flat},
        "encodings_v2": {"use_dictionary": False, "column_encoding": flat, "data_page_version": "2.0"},
        "plain": {"use_dictionary": False},
        "tiny_pages": {"data_page_size": 64, "write_batch_size": 16, "dictionary_pagesize_limit": 64},
        "many_groups": {"row_group_size": 7},
        "indexed": {"write_page_index": True, "data_page_size": 128, "write_batch_size": 16},
        "checksums": {"write_page_checksum": True},
        "int96": {"use_deprecated_int96_timestamps": True},
        "item_lists": {"use_compliant_nested_type": False},
        "integer_decimals": {"store_decimal_as_integer": True},
        "no_arrow_schema": {"store_schema": False},
        "no_statistics": {"write_statistics": False},
    }
    return found


def write(folder: Path) -> None:
    table = canonical()
    (folder / "rows.jsonl").write_text("\n".join(lines(table)))
    for name, options in ways().items():
        pq.write_table(table, folder / f"{name}.parquet", **options)
    pq.write_table(other_types(table), folder / "other_types.parquet")
    pq.write_table(with_ids(table), folder / "ids.parquet")
    pq.write_table(table.slice(0, 0), folder / "no_rows.parquet")
    for unit in ("ms", "ns"):
        changed = table
        for column in ("ts", "tz"):
            at = table.schema.get_field_index(column)
            zone = table.schema.field(column).type.tz
            changed = changed.set_column(at, column, table.column(column).cast(pa.timestamp(unit, zone)))
        pq.write_table(changed, folder / f"timestamps_{unit}.parquet", coerce_timestamps=None)
    print("FIGURES " + json.dumps(sorted(path.stem for path in folder.glob("*.parquet"))))


def main(command: str, *arguments: str) -> None:
    if command == "write":
        return write(Path(arguments[0]))
    print("FIGURES " + json.dumps([describe(path) for path in arguments]))


if __name__ == "__main__":
    main(*sys.argv[1:])
