"""Runs SQL in one Spark session over a hadoop warehouse.

Usage: spark_sql.py <warehouse folder> <iceberg-spark-runtime jar> [<further catalogs as JSON> <class path>]

Further catalogs are their options by their names.

Reads one statement a line, as JSON text, and answers each with a line "RESULT " and its rows, or
with "ERROR " and a message. A statement in a list gives rows as spark_rows.py writes them; an object
is a command of spark_deletes.py.
"""

import json
import sys

from spark_deletes import equality_delete
from spark_rows import lines
from spark_warehouse import open_session


def main(warehouse: str, jar: str, catalogs: str = "{}", class_path: str = "") -> None:
    spark = open_session(warehouse, jar, json.loads(catalogs), class_path)
    print("READY", flush=True)
    for line in sys.stdin:
        try:
            statement = json.loads(line)
            if isinstance(statement, dict):
                rows = equality_delete(spark, statement)
            elif isinstance(statement, list):
                rows = lines(spark.sql(statement[0]))
            else:
                rows = [list(row) for row in spark.sql(statement).collect()]
            print("RESULT " + json.dumps(rows, default=str), flush=True)
        except Exception as error:
            print("ERROR " + json.dumps(str(error)[:2000]), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
