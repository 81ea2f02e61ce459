import assert from "node:assert/strict";
import type { Catalog, TableDefinition, TableLocation } from "../../../lib/catalog/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import type {
  DirectOperation,
  DirectWork,
  JobOperation,
  OperationContext,
  OperationRunner,
  StartedOperation,
} from "../../../lib/operations/mod.ts";
import type { SqlReader } from "../../../lib/state/mod.ts";
import {
  AddColumnRequest,
  createTableChanges,
  CreateTableRequest,
  UpdateColumnRequest,
} from "../../../lib/tables/mod.ts";
import { ANY_LOCATION } from "../../support/maintenance/job_host.ts";
import { rejectsWith } from "../../support/rejects.ts";
import { standIn } from "../../support/stand_in.ts";

const ctx = standIn<OperationContext>();
const signal = new AbortController().signal;

/** An operation with its types forgotten. */
type Asked =
  & Partial<JobOperation<Record<string, unknown>, Record<string, unknown>>>
  & DirectOperation<Record<string, unknown>, Record<string, unknown>>;

/** The verbs over a runner that remembers, and a catalog that does what it is asked. */
function world() {
  const asked: Asked[] = [];
  const created: TableDefinition[] = [];
  const dropped: TableLocation[] = [];
  const operations: OperationRunner = {
    run(_ctx, operation) {
      // deno-lint-ignore no-explicit-any -- one list holds operations of every type
      asked.push(operation as any);
      return Promise.resolve(standIn<StartedOperation>({ kind: operation.kind }));
    },
  };
  const notFound = () => new AppError("not_found", "table_not_found", "Cannot find it");
  const catalog = standIn<Catalog>({
    name: "drls",
    locate: (name) =>
      name === "db.events" ? Promise.resolve(ANY_LOCATION) : Promise.reject(notFound()),
    locateExactly: ({ name }) =>
      name === "events" ? Promise.resolve(ANY_LOCATION) : Promise.reject(notFound()),
    createTable(definition) {
      created.push(definition);
      return Promise.resolve(ANY_LOCATION);
    },
    dropTable(location) {
      dropped.push(location);
      return Promise.resolve();
    },
  });
  const state: SqlReader = { read: () => Promise.resolve([]) };
  const last = () => asked.at(-1) ?? assert.fail("Nothing was asked for");
  const prepare = async () => await last().prepare(catalog, signal);
  const perform = async () => {
    const { params } = await prepare();
    return await last().perform(params, standIn<DirectWork>({ catalog, signal }));
  };
  return {
    verbs: createTableChanges({ operations, state, clock: { now: () => 0 } }),
    asked,
    last,
    prepare,
    perform,
    created,
    dropped,
  };
}

/** The change that a verb asks its job for. */
async function changeOf(request: (w: ReturnType<typeof world>) => Promise<unknown>) {
  const w = world();
  await request(w);
  const { table, params } = await w.prepare();
  assert.equal(table, "db.events");
  return w.last().job?.params.parse(params)["change"];
}

const table = "drls.db.events";

Deno.test("addColumn() asks for the reference's column", async () => {
  const body = { table, name: "source", type: "STRING", after: "ts", comment: "Event source" };
  const change = await changeOf((w) => w.verbs.addColumn(ctx, AddColumnRequest.parse(body)));
  assert.deepEqual(change, {
    kind: "add",
    name: "source",
    type: "STRING",
    required: false,
    doc: "Event source",
    defaultValue: null,
    position: { kind: "after", column: "ts" },
  });
});

Deno.test("updateColumn() changes what is named, and takes away what is null", async () => {
  const change = (body: Record<string, unknown>) =>
    changeOf((w) =>
      w.verbs.updateColumn(ctx, UpdateColumnRequest.parse({ table, name: "id", ...body }))
    );
  const none = { kind: "update", name: "id" };
  assert.deepEqual(await change({ type: "bigint", nullable: null }), { ...none, type: "bigint" });
  assert.deepEqual(await change({ nullable: true }), { ...none, required: false });
  assert.deepEqual(await change({ comment: null }), { ...none, doc: null });
  assert.deepEqual(await change({ default: null }), { ...none, writeDefault: null });
  assert.deepEqual(await change({ first: true, after: null }), {
    ...none,
    position: { kind: "first" },
  });
  assert.deepEqual(await change({ before: "ts" }), {
    ...none,
    position: { kind: "before", column: "ts" },
  });
});

Deno.test("renameColumn() and dropColumn() hand on the names", async () => {
  assert.deepEqual(
    await changeOf((w) =>
      w.verbs.renameColumn(ctx, { table, old_name: "payload", new_name: "data", dry_run: false })
    ),
    { kind: "rename", name: "payload", newName: "data" },
  );
  assert.deepEqual(
    await changeOf((w) => w.verbs.dropColumn(ctx, { table, name: "source", dry_run: false })),
    { kind: "drop", name: "source" },
  );
});

Deno.test("verbs need a DataEngineer, and are audited by name", async () => {
  const w = world();
  const dry_run = false;
  const create = CreateTableRequest.parse({ table, schema: [{ name: "id", type: "int" }] });
  await w.verbs.addColumn(ctx, AddColumnRequest.parse({ table, name: "a", type: "int" }));
  await w.verbs.renameColumn(ctx, { table, old_name: "a", new_name: "b", dry_run });
  await w.verbs.dropColumn(ctx, { table, name: "a", dry_run });
  await w.verbs.updateColumn(ctx, UpdateColumnRequest.parse({ table, name: "a", first: true }));
  await w.verbs.rollback(ctx, { table, snapshot_id: "1", dry_run });
  await w.verbs.create(ctx, create);
  await w.verbs.drop(ctx, { table, purge: false, dry_run });
  await w.verbs.drop(ctx, { table, purge: true, dry_run });
  assert.deepEqual(w.asked.map(({ kind, action }) => `${kind} ${action}`), [
    "add-column table.add_column",
    "rename-column table.rename_column",
    "drop-column table.drop_column",
    "update-column table.update_column",
    "rollback table.rollback",
    "create-table table.create",
    "drop-table table.drop",
    "drop-table table.drop",
  ]);
  for (const { role, input, dryRun } of w.asked) {
    assert.equal(role, "DataEngineer");
    assert.equal(dryRun, false);
    assert(!("table" in input) && !("dry_run" in input));
  }
});

Deno.test("verbs name the field of the request that cannot be read", async () => {
  const w = world();
  const fails = async (path: string, code: string) => {
    const error = await rejectsWith(w.prepare(), { kind: "invalid", code });
    assert.deepEqual(error.issues.map((issue) => issue.path), [path]);
  };
  await w.verbs.addColumn(ctx, AddColumnRequest.parse({ table, name: "a", type: "strng" }));
  await fails("type", "type_syntax");
  await w.verbs.addColumn(ctx, AddColumnRequest.parse({ table, name: "a..b", type: "int" }));
  await fails("name", "invalid_column_name");
  await w.verbs.updateColumn(ctx, UpdateColumnRequest.parse({ table, name: "a", type: "x" }));
  await fails("type", "type_syntax");
  await w.verbs.renameColumn(ctx, { table, old_name: "a", new_name: "`", dry_run: false });
  await fails("new_name", "invalid_column_name");
  await w.verbs.dropColumn(ctx, { table, name: "`a", dry_run: false });
  await fails("name", "invalid_column_name");
});

Deno.test("verbs on a table that is not there reject before anything is recorded", async () => {
  const w = world();
  await w.verbs.drop(ctx, { table: "db.nope", purge: true, dry_run: false });
  await rejectsWith(w.prepare(), { kind: "not_found", code: "table_not_found" });
});

Deno.test("create() makes the table under its name, without the catalog's", async () => {
  const w = world();
  const schema = [{ name: "id", type: "BIGINT", nullable: false }, {
    name: "ts",
    type: "TIMESTAMP",
  }];
  const body = { table: "drls.db.new", schema, partition_by: ["day(ts)"], properties: { a: "b" } };
  await w.verbs.create(ctx, CreateTableRequest.parse(body));
  assert.equal((await w.prepare()).table, "db.new");
  assert.deepEqual(w.last().toDetails(await w.perform()), {
    columns: [
      { name: "id", type: "bigint", nullable: false, comment: null, id: 1 },
      { name: "ts", type: "timestamp", nullable: true, comment: null, id: 2 },
    ],
    partition_by: ["day(ts)"],
    sort_order: [],
    identifier_columns: [],
    properties: { "write.parquet.compression-codec": "zstd", a: "b" },
    format_version: 2,
  });
  const [{ identifier, formatVersion } = assert.fail("Nothing was created")] = w.created;
  assert.deepEqual(identifier, { namespace: ["db"], name: "new" });
  assert.equal(formatVersion, 2);
});

Deno.test("create() refuses names without a namespace, and wrong definitions, field by field", async () => {
  const w = world();
  const schema = [{ name: "id", type: "int" }];
  await w.verbs.create(ctx, CreateTableRequest.parse({ table: "events", schema }));
  await rejectsWith(w.prepare(), { kind: "invalid", code: "invalid_table_name" });
  const body = { table: "db.new", schema: [{ name: "id", type: "no" }] };
  await w.verbs.create(ctx, CreateTableRequest.parse(body));
  const error = await rejectsWith(w.prepare(), {
    kind: "invalid",
    code: "table_definition_invalid",
  });
  assert.deepEqual(error.issues.map(({ path }) => path), ["schema.0.type"]);
});

Deno.test("create() in a dry run only looks whether the name is free", async () => {
  const w = world();
  const body = { schema: [{ name: "id", type: "int" }], dry_run: true };
  await w.verbs.create(ctx, CreateTableRequest.parse({ ...body, table: "db.new" }));
  const bill = await w.perform();
  assert.deepEqual(w.created, []);
  await w.verbs.create(ctx, CreateTableRequest.parse({ ...body, table: "db.new", dry_run: false }));
  assert.deepEqual(await w.perform(), bill);
  await w.verbs.create(ctx, CreateTableRequest.parse({ ...body, table: "db.events" }));
  await rejectsWith(w.perform(), { kind: "already_exists", code: "table_exists" });
});

Deno.test("drop() without purge is a call of the catalog, with purge a job", async () => {
  const w = world();
  await w.verbs.drop(ctx, { table, purge: false, dry_run: true });
  const bill = await w.perform();
  assert.deepEqual(w.dropped, []);
  await w.verbs.drop(ctx, { table, purge: false, dry_run: false });
  assert.deepEqual(await w.perform(), bill);
  assert.deepEqual(w.dropped, [ANY_LOCATION]);
  await w.verbs.drop(ctx, { table, purge: true, dry_run: false });
  assert.deepEqual([w.last().job?.name, w.last().exclusive], ["purge-table", true]);
});

Deno.test("the audit of a rollback tells where the table was and is", async () => {
  const w = world();
  await w.verbs.rollback(ctx, { table, snapshot_id: "5", dry_run: false });
  const receipt = { previous_snapshot_id: "9", current_snapshot_id: "5" };
  assert.deepEqual(w.last().toAudit?.(receipt), {
    before: { snapshot_id: "9" },
    after: { snapshot_id: "5" },
  });
});
