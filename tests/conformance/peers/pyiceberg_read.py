"""Reads tables of drls with PyIceberg, one command a line.

Usage: pyiceberg_read.py

Commands are JSON objects, each answered with a line "RESULT " and JSON, or "ERROR " and a message:
{"metadata": file} gives all rows as exact_rows.py writes them, {"metadata": file, "where": tree}
the numbers of some, {"metadata": file, "metrics": true} what PyIceberg makes of the footer of
every live data file.
"""

import decimal
import json
import sys

import pyarrow.parquet as pq
from pyiceberg import expressions
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.table import StaticTable

from exact_rows import lines


def metrics(table) -> dict:
    """By file, as manifests hold them; bounds in hex."""
    schema = table.schema()
    plan = compute_statistics_plan(schema, table.properties)
    found = {}
    for task in table.scan().plan_files():
        path = task.file.file_path
        statistics = data_file_statistics_from_parquet_metadata(
            pq.read_metadata(path), plan, parquet_path_to_id_mapping(schema)
        ).to_serialized_dict()
        found[path] = {
            name: {
                str(key): bound.hex() if isinstance(bound, bytes) else bound
                for key, bound in value.items()
            }
            if isinstance(value, dict)
            else value
            for name, value in statistics.items()
        }
    return found


COMPARISONS = {
    "=": expressions.EqualTo,
    "!=": expressions.NotEqualTo,
    "<": expressions.LessThan,
    "<=": expressions.LessThanOrEqual,
    ">": expressions.GreaterThan,
    ">=": expressions.GreaterThanOrEqual,
    "starts": expressions.StartsWith,
}
KINDS = {"long": int, "decimal": decimal.Decimal}


def literal(value):
    if isinstance(value, dict):
        [(kind, text)] = value.items()
        return KINDS[kind](text)
    return value


def expression(kind: str, *operands):
    if kind in ("and", "or"):
        left, right = (expression(*operand) for operand in operands)
        return expressions.And(left, right) if kind == "and" else expressions.Or(left, right)
    column = expressions.Reference(operands[0])
    if kind == "null":
        return expressions.IsNull(column)
    if kind == "not null":
        return expressions.NotNull(column)
    if kind == "in":
        return expressions.In(column, [literal(value) for value in operands[1]])
    return COMPARISONS[kind](column, literal(operands[1]))


def answer(command: dict):
    table = StaticTable.from_metadata(command["metadata"])
    if "metrics" in command:
        return metrics(table)
    if "where" in command:
        found = table.scan(
            row_filter=expression(*command["where"]), selected_fields=("id",)
        ).to_arrow()
        return found.column("id").to_pylist()
    return lines(table.scan().to_arrow())


def main() -> None:
    print("READY", flush=True)
    for line in sys.stdin:
        try:
            print("RESULT " + json.dumps(answer(json.loads(line))), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(f"{type(error).__name__}: {error}"[:2000]), flush=True)


if __name__ == "__main__":
    main()
