import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { currentSchema } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { type ColumnChange, ColumnReceipt } from "../../../../lib/tables/contract/mod.ts";
import { evolve } from "../../../../lib/tables/jobs/evolve.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const ADD: ColumnChange = {
  kind: "add",
  name: "source",
  type: "STRING",
  required: false,
  doc: "where from",
  defaultValue: null,
  position: { kind: "after", column: "id" },
};

function run(table: RowTable, change: ColumnChange, dryRun = false) {
  const host = testJobHost(table.store);
  const receipt = evolve({ location: ANY_LOCATION, dryRun, change }, host);
  return { receipt, host };
}

const names = (table: RowTable) =>
  currentSchema(table.store.table.metadata).fields.map(({ name }) => name);

Deno.test("evolve() commits a change of one column and tells what it did", async () => {
  const table = new RowTable();
  const { receipt, host } = run(table, ADD);
  assert.deepEqual(ColumnReceipt.parse(await receipt), {
    changed: true,
    column: "source",
    field_id: 3,
    before: null,
    after: { name: "source", type: "string", nullable: true, comment: "where from", id: 3 },
    position: 1,
    previous_schema_id: 0,
    schema_id: 1,
    last_column_id: 3,
    changed_properties: [],
    warnings: [],
  });
  assert.deepEqual(names(table), ["id", "source", "region"]);
  assert.equal(table.store.table.metadata.lastColumnId, 3);
  // Should the isolate die right after the commit, this is the answer.
  assert.deepEqual(host.announced, [await receipt]);
});

Deno.test("evolve() bills in a dry run exactly what it then does, and changes nothing", async () => {
  const changes: readonly ColumnChange[] = [
    ADD,
    { kind: "rename", name: "source", newName: "origin" },
    { kind: "update", name: "origin", doc: null, position: { kind: "first" } },
    { kind: "drop", name: "origin" },
  ];
  const table = new RowTable();
  for (const change of changes) {
    const before = table.store.table;
    const { receipt: bill, host } = run(table, change, true);
    const billed = await bill;
    assert.equal(table.store.table, before);
    assert.deepEqual(host.announced, []);
    assert.deepEqual(await run(table, change).receipt, billed);
    assert.notEqual(table.store.table, before);
  }
  assert.deepEqual(names(table), ["id", "region"]);
});

Deno.test("evolve() keeps the change of another writer that came first", async () => {
  const table = new RowTable();
  const rival = { ...ADD, name: "rival" };
  table.store.failCommits({ kind: "conflict" });
  const { receipt } = run(table, ADD);
  await run(table, rival).receipt;
  const done = await receipt;
  assert.deepEqual(names(table).toSorted(), ["id", "region", "rival", "source"]);
  const ids = currentSchema(table.store.table.metadata).fields.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(
    done.field_id,
    currentSchema(table.store.table.metadata).findByName("source")?.field.id,
  );
});

Deno.test("evolve() refuses what a rival has made impossible meanwhile", async () => {
  const table = new RowTable();
  table.store.failCommits({ kind: "conflict" });
  const { receipt } = run(table, ADD);
  await run(table, ADD).receipt;
  await rejectsWith(receipt, { kind: "already_exists", code: "column_exists" });
  assert.deepEqual(names(table), ["id", "source", "region"]);
});

Deno.test("evolve() makes a change once where the reply to its commit is lost", async () => {
  for (const landed of [true, false]) {
    const table = new RowTable();
    table.store.failCommits({ kind: "lost", landed });
    await run(table, ADD).receipt;
    assert.deepEqual(names(table), ["id", "source", "region"]);
    assert.equal(table.store.table.metadata.schemas.length, 2);
  }
});

Deno.test("evolve() commits nothing where everything is as asked", async () => {
  const table = new RowTable();
  const before = table.store.table;
  const { receipt, host } = run(table, { kind: "update", name: "id", doc: null });
  const { changed, schema_id: id, previous_schema_id: previous } = await receipt;
  assert.deepEqual([changed, id, previous], [false, 0, 0]);
  assert.equal(table.store.table, before);
  assert.equal(table.store.commits.length, 0);
  assert.deepEqual(host.announced, []);
});

Deno.test("evolve() goes back to a schema that the table had, under its id", async () => {
  const table = new RowTable();
  await run(table, { kind: "rename", name: "region", newName: "area" }).receipt;
  const back = await run(table, { kind: "rename", name: "area", newName: "region" }).receipt;
  assert.deepEqual([back.previous_schema_id, back.schema_id], [1, 0]);
  assert.equal(table.store.table.metadata.schemas.length, 2);
});

Deno.test("evolve() lets properties and the name mapping follow, and says so", async () => {
  const table = new RowTable({
    properties: {
      "write.metadata.metrics.column.id": "full",
      "schema.name-mapping.default": '[{"field-id":1,"names":["id"]}]',
    },
  });
  const { changed_properties: changed } = await run(table, {
    kind: "rename",
    name: "id",
    newName: "key",
  }).receipt;
  assert.deepEqual(changed, [
    "schema.name-mapping.default",
    "write.metadata.metrics.column.id",
    "write.metadata.metrics.column.key",
  ]);
  const { properties } = table.store.table.metadata;
  assert.equal(properties["write.metadata.metrics.column.key"], "full");
  assert.equal(properties["write.metadata.metrics.column.id"], undefined);
  assert.match(properties["schema.name-mapping.default"] ?? "", /"names":\["id","key"\]/);
});

Deno.test("evolve() warns where the name mapping cannot learn the new name", async () => {
  const table = new RowTable({ properties: { "schema.name-mapping.default": "nonsense" } });
  const { warnings } = await run(table, { kind: "rename", name: "id", newName: "key" }).receipt;
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /schema\.name-mapping\.default cannot be read/);
});

Deno.test("evolve() refuses the source of the partition spec, changing nothing", async () => {
  const table = new RowTable();
  const before = table.store.table;
  const change = { kind: "drop", name: "region" } as const;
  for (const dryRun of [true, false]) {
    const error = await rejectsWith(run(table, change, dryRun).receipt, {
      kind: "conflict",
      code: "column_in_use",
    });
    assert(error instanceof AppError && error.issues[0]?.path === "name");
  }
  assert.equal(table.store.table, before);
});

Deno.test("evolve() refuses a table that was copied here, also in a dry run", async () => {
  const table = new RowTable();
  const copied = { ...table.store.table, readOnly: "The table was copied here" };
  const store = { load: () => Promise.resolve(copied), commit: () => assert.fail("it commits") };
  for (const dryRun of [true, false]) {
    const done = evolve({ location: ANY_LOCATION, dryRun, change: ADD }, testJobHost(store));
    await rejectsWith(done, { kind: "unsupported", code: "table_read_only" });
  }
});

Deno.test("evolve() stops before it commits where its caller goes away", async () => {
  const table = new RowTable();
  const host = testJobHost(table.store, { signal: AbortSignal.abort() });
  const done = evolve({ location: ANY_LOCATION, dryRun: false, change: ADD }, host);
  await assert.rejects(done);
  assert.deepEqual(names(table), ["id", "region"]);
});
