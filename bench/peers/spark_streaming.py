"""Spark Structured Streaming from one Iceberg table to another, in one warm session over a hadoop warehouse.

Usage: spark_streaming.py WAREHOUSE ICEBERG_JAR

Reads one task a line as JSON, and answers each with one line of JSON.

{"run": NAME, "source", "sink", "checkpoint", "sql"}    everything that there is, then it ends: wall
    seconds from the start to the end, and CPU seconds of the whole session
{"start": NAME, "source", "sink", "checkpoint", "sql"}  as soon as there is data (trigger "0 seconds")
{"stop": NAME}                                          ends that one

The sink exists; `sql` is null, or a query over the view `batch`.
"""

import json
import os
import sys
import time

from spark_maintenance import open_session


def main(warehouse: str, jar: str) -> None:
    spark = open_session(warehouse, jar)
    jvm = spark._jvm.java.lang.ProcessHandle.current().pid()
    queries = {}

    def cpu_seconds() -> float:
        # Behind the name in brackets: user and system time of all threads, in ticks.
        with open(f"/proc/{jvm}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib() -> int:
        with open(f"/proc/{jvm}/status") as status:
            return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))

    def begin(task, trigger):
        rows = spark.readStream.format("iceberg").load(task["source"])
        if task["sql"] is not None:
            rows.createOrReplaceTempView("batch")
            rows = spark.sql(task["sql"])
        return (
            rows.writeStream.format("iceberg")
            .outputMode("append")
            .trigger(**trigger)
            .option("checkpointLocation", task["checkpoint"])
            .toTable(task["sink"])
        )

    def answer(task):
        if "run" in task:
            cpu, start = cpu_seconds(), time.perf_counter()
            query = begin(task, {"availableNow": True})
            query.awaitTermination()
            seconds = time.perf_counter() - start
            return {"seconds": seconds, "cpu_seconds": cpu_seconds() - cpu, "peak_mib": peak_mib()}
        if "start" in task:
            queries[task["start"]] = begin(task, {"processingTime": "0 seconds"})
            return {}
        queries.pop(task["stop"]).stop()
        return {"cpu_seconds": cpu_seconds()}

    print("READY", flush=True)
    for line in sys.stdin:
        try:
            print("RESULT " + json.dumps(answer(json.loads(line))), flush=True)
        except Exception as error:
            print("ERROR " + str(error).replace("\n", " ")[:2000], flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:3])
