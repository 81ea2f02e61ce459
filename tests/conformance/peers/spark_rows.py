"""Rows of Spark as JSON lines that keep every bit, as exact_rows.py writes those of Arrow.

Spark itself makes days, microseconds and hex of values, so that nothing passes through Python's
dates, which know neither all years nor the order of a map's entries.
"""

import decimal
import json
import struct

from pyspark.sql import types

EXACT = decimal.Context(prec=60)


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def shown(kind, value: str, depth: int = 0) -> str:
    """SQL that shows a value of a type; collections keep their shape, maps become lists of pairs."""
    item = f"x{depth}"
    if isinstance(kind, types.StructType):
        members = ", ".join(
            f"'f{at}', " + shown(field.dataType, f"{value}.{quoted(field.name)}", depth)
            for at, field in enumerate(kind.fields)
        )
        return f"IF({value} IS NULL, NULL, named_struct({members}))"
    if isinstance(kind, types.ArrayType):
        return f"transform({value}, {item} -> {shown(kind.elementType, item, depth + 1)})"
    if isinstance(kind, types.MapType):
        key = shown(kind.keyType, f"{item}.key", depth + 1)
        entry = shown(kind.valueType, f"{item}.value", depth + 1)
        return f"transform(map_entries({value}), {item} -> named_struct('k', {key}, 'v', {entry}))"
    if isinstance(kind, types.DateType):
        return f"unix_date({value})"
    if isinstance(kind, types.TimestampType):
        return f"unix_micros({value})"
    if isinstance(kind, types.TimestampNTZType):
        # The session is in UTC.
        return f"unix_micros(CAST({value} AS TIMESTAMP))"
    if isinstance(kind, types.BinaryType):
        return f"lower(hex({value}))"
    return value


def exact(value, kind):
    if value is None:
        return None
    if isinstance(kind, types.StructType):
        return [exact(member, field.dataType) for member, field in zip(value, kind.fields)]
    if isinstance(kind, types.ArrayType):
        return [exact(item, kind.elementType) for item in value]
    if isinstance(kind, types.MapType):
        return [[exact(key, kind.keyType), exact(item, kind.valueType)] for key, item in value]
    if isinstance(kind, (types.FloatType, types.DoubleType)):
        if value != value:
            return "nan"
        return struct.pack(">d" if isinstance(kind, types.DoubleType) else ">f", value).hex()
    if isinstance(kind, types.DecimalType):
        return str(int(value.scaleb(kind.scale, EXACT)))
    return value if isinstance(value, (bool, str)) else str(value)


def lines(frame) -> list:
    fields = frame.schema.fields
    names = [f"c{at}" for at in range(len(fields))]
    columns = [
        f"{shown(field.dataType, name)} AS {name}" for name, field in zip(names, fields)
    ]
    rows = frame.toDF(*names).selectExpr(*columns).collect()
    return [
        json.dumps(
            [exact(value, field.dataType) for value, field in zip(row, fields)],
            ensure_ascii=False,
        )
        for row in rows
    ]
