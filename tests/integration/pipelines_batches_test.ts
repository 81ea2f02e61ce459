/** What pipelines make of their options: which rows come, in which batches, into which columns. */
import assert from "node:assert/strict";
import { COLUMNS, type PipelineServer, withPipelineServer } from "../support/pipeline_server.ts";

/** A server with rows 1, 2, 3 in `db.source`. */
function withSource(test: (server: PipelineServer) => Promise<void>): Promise<void> {
  return withPipelineServer(async (server) => {
    await server.createTable("db.source");
    await server.appendIds("db.source", [1, 2, 3]);
    await test(server);
  });
}

Deno.test("once and available-now take everything there is and end by themselves", () =>
  withSource(async (server) => {
    await server.appendIds("db.source", [4]);
    const modes = [["once", 1], ["available-now", 2]] as const;
    for (const [trigger_interval, batches] of modes) {
      const sink = `db.${trigger_interval.replace("-", "_")}`;
      const request = {
        trigger_interval,
        sink_table: sink,
        checkpoint_location: `${server.dataDir}/${trigger_interval}`,
        max_files_per_batch: 1,
      };
      const { pipeline_id: id } = await server.start(request);
      const done = await server.until(id, ({ status }) => status === "stopped");
      assert.deepEqual([done.batches_processed, done.rows_processed], [batches, 4]);
      assert.deepEqual(await server.ids(sink), [1, 2, 3, 4]);
      await server.until((await server.start(request)).pipeline_id, (v) => v.status === "stopped");
      assert.deepEqual(await server.ids(sink), [1, 2, 3, 4]);
    }
  }));

Deno.test("an interval gathers what comes in between", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.source");
    const { pipeline_id: id } = await server.start({ trigger_interval: "1 second" });
    await server.until(id, ({ status }) => status === "idle");
    for (let i = 1; i <= 10; i++) await server.appendIds("db.source", [i]);
    const { batches_processed: batches } = await server.idleAt(id, 10);
    assert(batches >= 1 && batches < 10, `${batches} batches`);
    assert.equal((await server.ids("db.sink")).length, 10);
  }));

Deno.test("limits of files, rows and bytes cut the batches", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.source");
    for (let i = 0; i < 6; i++) await server.appendIds("db.source", [2 * i, 2 * i + 1]);
    const cases = [
      [{ max_files_per_batch: 4 }, 2],
      [{ max_rows_per_batch: 5 }, 3],
      [{ max_bytes_per_batch: 1 }, 6],
      [{ max_files_per_batch: 100 }, 1],
    ] as const;
    for (const [i, [limit, batches]] of cases.entries()) {
      const { pipeline_id: id } = await server.start({
        ...limit,
        trigger_interval: "available-now",
        sink_table: `db.sink${i}`,
        checkpoint_location: `${server.dataDir}/c${i}`,
      });
      const done = await server.until(id, ({ status }) => status === "stopped");
      assert.equal(done.batches_processed, batches, JSON.stringify(limit));
      assert.deepEqual(await server.ids(`db.sink${i}`), Array.from({ length: 12 }, (_, n) => n));
    }
  }));

Deno.test("a stop is bounded and leaves whole batches", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.source");
    for (let i = 0; i < 20; i++) await server.appendIds("db.source", [i]);
    const { pipeline_id: id } = await server.start({ max_files_per_batch: 1 });
    await server.until(id, (view) => view.batches_processed >= 2);
    const beganAt = performance.now();
    const stopped = await server.stop(id);
    assert.equal(stopped.status, "stopped");
    assert(performance.now() - beganAt < 25_000);
    const { batches_processed: batches, rows_processed: rows } = stopped;
    assert(batches < 20, `${batches} batches`);
    assert.equal(rows, batches);
    assert.equal((await server.ids("db.sink")).length, rows);
    await server.start();
    await server.idleAt(id, 20);
    assert.deepEqual(await server.ids("db.sink"), Array.from({ length: 20 }, (_, n) => n));
  }));

Deno.test("a sink that exists takes rows by the names of its columns", () =>
  withSource(async (server) => {
    await server.createTable("db.sink", [
      { name: "name", type: "STRING" },
      { name: "note", type: "STRING" },
      { name: "id", type: "BIGINT" },
    ]);
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    assert.deepEqual(await server.query("SELECT id, name, note FROM db.sink WHERE id = 2"), [
      { id: 2, name: "row 2", note: null },
    ]);
    await server.createTable("db.strict", [
      ...COLUMNS,
      { name: "must", type: "INT", nullable: false },
    ]);
    const strict = { sink_table: "db.strict", checkpoint_location: `${server.dataDir}/strict` };
    const { status, body } = await server.refused(strict);
    assert.deepEqual([status, body.code], [422, "sink_column_missing"]);
  }));

/** Runs a pipeline to its end; its last view. */
async function drain(server: PipelineServer, more: Readonly<Record<string, unknown>>) {
  const name = more["name"] ?? "sink";
  const { name: _, ...options } = more;
  const { pipeline_id: id } = await server.start({
    trigger_interval: "available-now",
    sink_table: `db.${name}`,
    checkpoint_location: `${server.dataDir}/checkpoint_${name}`,
    ...options,
  });
  return await server.until(id, ({ status }) => status === "stopped" || status === "failed");
}

Deno.test("a stream begins where it is told to", () =>
  withSource(async (server) => {
    await server.appendIds("db.source", [4]);
    await server.appendIds("db.source", [5]);
    const [, second = ""] = await server.snapshots("db.source");
    const { snapshots } = await server.get("/table/db.source/snapshots");
    const times = snapshots.map((one: { timestamp: string }) => one.timestamp).toSorted();
    const cases = [
      ["beginning", "beginning", [1, 2, 3, 4, 5]],
      ["latest", "latest", []],
      ["snapshot", { snapshot_id: second }, [4, 5]],
      ["time", { timestamp: times[2] }, [5]],
      ["early", { timestamp: "2001-01-01T00:00:00Z" }, [1, 2, 3, 4, 5]],
      ["late", { timestamp: "2201-01-01T00:00:00+01:00" }, []],
    ] as const;
    for (const [name, start_from, ids] of cases) {
      const done = await drain(server, { name, start_from });
      assert.deepEqual([done.status, done.rows_processed], ["stopped", ids.length], name);
      assert.deepEqual(done.lag, { snapshots: 0, rows: 0, seconds: 0 }, name);
      if (ids.length > 0) assert.deepEqual(await server.ids(`db.${name}`), ids, name);
    }
    const { pipeline_id: id } = await server.start({ start_from: "latest" });
    await server.appendIds("db.source", [6]);
    await server.idleAt(id, 1);
    assert.deepEqual(await server.ids("db.sink"), [6]);
  }));

Deno.test("where and transform make rows of rows, and groups of batches", () =>
  withSource(async (server) => {
    await server.appendIds("db.source", [4, 5, 6]);
    const filtered = await drain(server, { name: "filtered", where: "id % 2 = 0" });
    assert.deepEqual([filtered.input_rows, filtered.output_rows], [6, 3]);
    assert.deepEqual(await server.ids("db.filtered"), [2, 4, 6]);
    await drain(server, {
      name: "mapped",
      where: "id > 4",
      transform: "SELECT id * 10 AS id, upper(name) AS loud FROM batch",
    });
    assert.deepEqual(await server.query("SELECT * FROM db.mapped ORDER BY id"), [
      { id: 50, loud: "ROW 5" },
      { id: 60, loud: "ROW 6" },
    ]);
    const grouped = await drain(server, {
      name: "grouped",
      transform: "SELECT count(*) AS n, max(id) AS top FROM db.source",
      max_files_per_batch: 1,
    });
    assert.equal(grouped.batches_processed, 2);
    assert.deepEqual(await server.query("SELECT n, top FROM db.grouped ORDER BY top"), [
      { n: 3, top: 3 },
      { n: 3, top: 6 },
    ]);
    const nothing = await drain(server, { name: "nothing", where: "id > 100" });
    assert.deepEqual([nothing.status, nothing.input_rows, nothing.output_rows], ["stopped", 6, 0]);
    assert.deepEqual(await server.ids("db.nothing"), []);
  }));

Deno.test("columns of the source that change are noticed, or followed", () =>
  withSource(async (server) => {
    const evolving = await server.start({
      sink_table: "db.evolving",
      checkpoint_location: `${server.dataDir}/evolving`,
      schema_changes: "evolve",
    });
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await server.idleAt(evolving.pipeline_id, 3);
    await server.post("/evolve/add-column", { table: "db.source", name: "extra", type: "INT" });
    await server.append("db.source", [{ id: 4, name: "row 4", extra: 44 }]);
    const { code, message } = await server.failed(id);
    assert.equal(code, "source_schema_changed");
    assert.match(message, /schema_changes set to evolve/);
    await server.idleAt(evolving.pipeline_id, 4);
    await server.post("/evolve/update-column", {
      table: "db.source",
      name: "extra",
      type: "BIGINT",
    });
    await server.post("/evolve/rename-column", {
      table: "db.source",
      old_name: "name",
      new_name: "label",
    });
    await server.append("db.source", [{ id: 5, label: "row 5", extra: 5_000_000_000 }]);
    await server.idleAt(evolving.pipeline_id, 5);
    await server.post("/evolve/drop-column", { table: "db.source", name: "label" });
    await server.append("db.source", [{ id: 6, extra: 6 }]);
    await server.idleAt(evolving.pipeline_id, 6);
    const rows = await server.query("SELECT id, name, extra, label FROM db.evolving ORDER BY id");
    assert.deepEqual(rows.slice(2), [
      { id: 3, name: "row 3", extra: null, label: null },
      { id: 4, name: "row 4", extra: 44, label: null },
      { id: 5, name: null, extra: 5_000_000_000, label: "row 5" },
      { id: 6, name: null, extra: 6, label: null },
    ]);
    await server.start({ schema_changes: "evolve" });
    await server.idleAt(id, 6);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 4, 5, 6]);
  }));

Deno.test("a column that the source has lost stops a pipeline that is to notice", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await server.post("/evolve/drop-column", { table: "db.source", name: "name" });
    await server.append("db.source", [{ id: 4 }]);
    const { code, message } = await server.failed(id);
    assert.deepEqual([code, message.includes('"name"')], ["source_schema_changed", true]);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3]);
    await server.start({ transform: "SELECT id, 'none' AS name FROM batch" });
    await server.idleAt(id, 4);
    assert.deepEqual(await server.query("SELECT name FROM db.sink WHERE id = 4"), [
      { name: "none" },
    ]);
  }));

Deno.test("rows of types that the sink cannot hold are refused before any is written", () =>
  withSource(async (server) => {
    const sinks = [
      ["texts", "STRING", 422, "column_type_mismatch"],
      ["narrow", "INT", 409, "source_schema_changed"],
    ] as const;
    for (const [name, type, status, code] of sinks) {
      await server.createTable(`db.${name}`, [{ name: "id", type }]);
      const answer = await server.refused({
        sink_table: `db.${name}`,
        checkpoint_location: `${server.dataDir}/${name}`,
        transform: "SELECT id FROM batch",
      });
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
      assert(answer.body.detail.includes("id"), answer.body.detail);
      assert.deepEqual(await server.snapshots(`db.${name}`), []);
    }
  }));

Deno.test("a partitioned source flows into a sink of other partitions, whole ones replaced", () =>
  withPipelineServer(async (server) => {
    const schema = [
      { name: "id", type: "BIGINT" },
      { name: "day", type: "DATE" },
      { name: "region", type: "STRING" },
    ];
    await server.createTable("db.source", schema, { partition_by: ["region", "days(day)"] });
    const row = (id: number, day: number, region: string) => ({
      id,
      day: `2026-01-0${day}`,
      region,
    });
    await server.append("db.source", [row(1, 1, "eu"), row(2, 2, "us"), row(3, 1, "us")]);
    const { pipeline_id: id } = await server.start({
      write_mode: "overwrite-partitions",
      sink_partition_by: ["days(day)"],
      sink_properties: { "write.target-file-size-bytes": "1048576" },
      sink_format_version: 3,
    });
    await server.idleAt(id, 3);
    await server.append("db.source", [row(4, 2, "eu"), row(5, 3, "eu")]);
    await server.idleAt(id, 5);
    assert.deepEqual(await server.ids("db.sink"), [1, 3, 4, 5]);
  }));

Deno.test("partitions are replaced by what one snapshot has for them, however many files that is", () =>
  withPipelineServer(async (server) => {
    const bucketed = { partition_by: ["bucket(4, id)"] };
    await server.createTable("db.source", COLUMNS, bucketed);
    await server.appendIds("db.source", [1, 2, 3, 4, 5, 6]);
    await server.appendIds("db.source", [11, 12, 13]);
    const request = { write_mode: "overwrite-partitions", max_files_per_batch: 1 };
    const { pipeline_id: id } = await server.start(request);
    const done = await server.idleAt(id, 9);
    // The sink has one partition: each snapshot replaces what the one before it wrote.
    assert.deepEqual(await server.ids("db.sink"), [11, 12, 13]);
    assert.equal(done.batches_processed, 2);
  }));

Deno.test("nested rows come through as they are, and their new fields with them", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.source", [
      { name: "id", type: "BIGINT" },
      { name: "place", type: "STRUCT<city: STRING, at: STRUCT<lat: DOUBLE>>" },
      { name: "tags", type: "ARRAY<STRUCT<k: STRING>>" },
      { name: "counts", type: "MAP<STRING, ARRAY<INT>>" },
    ]);
    const row = {
      id: 1,
      place: { city: "Bern", at: { lat: 46.9 } },
      tags: [{ k: "a" }, { k: null }],
      counts: { x: [1, null] },
    };
    await server.append("db.source", [row, { id: 2, place: null, tags: [], counts: {} }]);
    const { pipeline_id: id } = await server.start({ schema_changes: "evolve" });
    await server.idleAt(id, 2);
    await server.post("/evolve/add-column", {
      table: "db.source",
      name: "place.at.lon",
      type: "DOUBLE",
    });
    const later = { ...row, id: 3, place: { city: "Basel", at: { lat: 47.6, lon: 7.6 } } };
    await server.append("db.source", [later]);
    await server.idleAt(id, 3);
    const sql = (table: string) => `SELECT * FROM ${table} ORDER BY id`;
    assert.deepEqual(await server.query(sql("db.sink")), await server.query(sql("db.source")));
    assert.deepEqual((await server.query(sql("db.sink")))[2], later);
  }));
