"""Appends rows that PyArrow writes to tables of a server, and reads them back with PyIceberg.

Usage: pyiceberg_append.py <url of the server> <token> <warehouse>

Prints, for each format, the rows of the table as text; and the codes that compressed streams are refused with.
"""

import datetime
import decimal
import io
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyiceberg.table import StaticTable

URL, TOKEN, WAREHOUSE = sys.argv[1:]

COLUMNS = [("id", "BIGINT"), ("name", "STRING"), ("at", "TIMESTAMP_NTZ"), ("price", "DECIMAL(12,2)"), ("day", "DATE")]

# Narrower integers, a dictionary and nanoseconds: what PyArrow has, and the table has not.
ROWS = pa.table({
    "id": pa.array([1, 2, 3], pa.int32()),
    "name": pa.array(["a", None, 'ü,"x"\n'], pa.string()).dictionary_encode(),
    "at": pa.array([0, None, 1_700_000_000_123_456_000], pa.timestamp("ns")),
    "price": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-99999999.99"), None], pa.decimal128(10, 2)),
    "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31)]),
})


def post(path, body, media_type):
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": media_type}
    request = urllib.request.Request(f"{URL}/api{path}", data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def arrow(rows, compression=None):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_table(rows)
    return sink.getvalue()


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return sink.getvalue()


def as_text(value):
    return None if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def ndjson(rows):
    micros = rows.set_column(2, "at", rows["at"].cast(pa.timestamp("us"))).to_pylist()
    lines = [{k: v if k in ("id", "name") else as_text(v) for k, v in row.items()} for row in micros]
    return "\n".join(json.dumps(line) for line in lines).encode()


def csv(rows):
    micros = rows.set_column(2, "at", rows["at"].cast(pa.timestamp("us")))
    plain = micros.set_column(1, "name", micros["name"].cast(pa.string()))
    sink = io.BytesIO()
    pa.csv.write_csv(plain, sink)
    return sink.getvalue()


FORMATS = {
    "arrow": ("application/vnd.apache.arrow.stream", arrow),
    "parquet": ("application/vnd.apache.parquet", parquet),
    "ndjson": ("application/x-ndjson", ndjson),
    "csv": ("text/csv", csv),
}

figures = {}
for name, (media_type, write) in FORMATS.items():
    schema = [{"name": column, "type": kind} for column, kind in COLUMNS]
    body = json.dumps({"table": f"db.{name}", "schema": schema, "partition_by": ["bucket(4, id)"]})
    post("/tables", body.encode(), "application/json")
    post(f"/table/db.{name}/append", write(ROWS), media_type)
    metadata = Path(WAREHOUSE, "db", name, "metadata")
    newest = max(metadata.glob("*.metadata.json"), key=lambda path: int(path.name[1:].split(".")[0]))
    rows = StaticTable.from_metadata(str(newest)).scan().to_arrow().sort_by("id").to_pylist()
    figures[name] = [[as_text(value) for value in row.values()] for row in rows]


def refusal(body):
    try:
        post("/table/db.arrow/append", body, "application/vnd.apache.arrow.stream")
    except urllib.error.HTTPError as error:
        return json.load(error)["code"]
    return None


figures["refused"] = {codec: refusal(arrow(ROWS, codec)) for codec in ("lz4", "zstd")}
print("FIGURES", json.dumps(figures))
