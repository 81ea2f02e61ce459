"""Rows of Arrow tables as JSON lines that keep every bit.

Integers, days and microseconds are in decimal, floats by their bits, decimals unscaled, binary data in
hex.
"""

import decimal
import json
import struct

import pyarrow as pa

EXACT = decimal.Context(prec=60)


def values(array) -> list:
    """The values of an array, each ready for JSON."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in values(chunk)]
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return values(array.storage)
    if pa.types.is_struct(kind):
        members = [values(array.field(i)) for i in range(kind.num_fields)]
        return [
            [member[row] for member in members] if array[row].is_valid else None
            for row in range(len(array))
        ]
    if pa.types.is_map(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return nested_values(array)
    if pa.types.is_dictionary(kind):
        return values(array.dictionary_decode())
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_date(kind):
        array = array.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    return [None if value is None else text(value, kind) for value in array.to_pylist()]


def nested_values(array) -> list:
    result = []
    for row in range(len(array)):
        if not array[row].is_valid:
            result.append(None)
        elif pa.types.is_map(array.type):
            start, end = array.offsets[row].as_py(), array.offsets[row + 1].as_py()
            keys = values(array.keys[start:end])
            result.append([list(pair) for pair in zip(keys, values(array.items[start:end]))])
        else:
            result.append(values(array[row].values))
    return result


def text(value, kind):
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        wide = pa.types.is_float64(kind)
        if value != value:
            return "nan"
        return struct.pack(">d" if wide else ">f", value).hex()
    if isinstance(value, decimal.Decimal):
        return str(int(value.scaleb(kind.scale, EXACT)))
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def lines(table: pa.Table) -> list:
    columns = [values(column) for column in table.columns]
    return [json.dumps(list(row), ensure_ascii=False) for row in zip(*columns)]
