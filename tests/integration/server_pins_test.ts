/** Pins through the whole server: rows of another process over its state, expiry in its isolates. */
import assert from "node:assert/strict";
import { hold, type PinToHold, release } from "../../lib/pins/mod.ts";
import { openState, type State } from "../../lib/state/mod.ts";
import { startServer } from "../support/server_process.ts";

const TABLE = "db.events";

/** What a test finds: the server, and its state as another server over it has it. */
interface World {
  readonly state: State;
  readonly send: (path: string, method: string, body?: unknown) => Promise<Answer>;
}

interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- each answer has a form of its own
  readonly body: any;
}

async function withServer(test: (world: World) => Promise<void>): Promise<void> {
  const server = await startServer();
  const { dataDir } = server;
  const state = await openState({ url: `file:${dataDir}/state.db`, authToken: null, dataDir });
  const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
  const send: World["send"] = async (path, method, body) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const type = typeof body === "string" ? { "content-type": "application/x-ndjson" } : {};
    const response = await fetch(`${server.url}/api${path}`, {
      method,
      headers: { ...headers, ...type },
      ...(text === undefined ? {} : { body: text }),
    });
    return { status: response.status, body: await response.json() };
  };
  try {
    await test({ state, send });
  } finally {
    await state.close();
    await server.dispose();
  }
}

/** A table of as many snapshots; their ids, oldest first. */
async function tableOf(
  { send }: World,
  snapshots: number,
  properties: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const schema = [{ name: "id", type: "BIGINT" }];
  const body = { table: TABLE, schema, properties };
  assert.equal((await send("/tables", "POST", body)).status, 201);
  for (let i = 0; i < snapshots; i++) {
    const { status, body } = await send(`/table/${TABLE}/append`, "POST", `{"id":${i}}\n`);
    assert.equal(status, 200, JSON.stringify(body));
  }
  return await idsOf({ send });
}

async function idsOf({ send }: Pick<World, "send">): Promise<readonly string[]> {
  const { body } = await send(`/table/${TABLE}/snapshots`, "GET");
  const snapshots: readonly { snapshot_id: string; timestamp: string }[] = body.snapshots;
  return snapshots.toSorted((a, b) => a.timestamp < b.timestamp ? -1 : 1)
    .map(({ snapshot_id: id }) => id);
}

async function pin({ state }: World, more: Partial<PinToHold>): Promise<void> {
  const pin = {
    holder: "pipeline 0192",
    name: "events to lake",
    table: TABLE,
    tableUuid: null,
    snapshotId: null,
    untilMs: null,
    atMs: Date.now(),
    ...more,
  };
  await state.transaction((tx) => hold(tx, pin));
}

const HOLDER = "pipeline 0192 (events to lake)";
const expiry = { table: TABLE, older_than: "2200-01-01" };

Deno.test("expiry keeps what another server's pipeline reads, and its dry run says the same", () =>
  withServer(async (world) => {
    const { send, state } = world;
    const ids = await tableOf(world, 5);
    await pin(world, { snapshotId: BigInt(ids[1] ?? "") });
    const details = async (body: unknown) => {
      const answer = await send("/expire", "POST", body);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return JSON.parse(answer.body.details_json);
    };
    const { dry_run: _, ...bill } = await details({ ...expiry, dry_run: true });
    assert.deepEqual(await idsOf(world), ids);
    const receipt = await details(expiry);
    assert.deepEqual(receipt, bill);
    assert.deepEqual(receipt.expired_snapshot_ids, ids.slice(0, 1));
    assert.deepEqual(receipt.held_back, [
      { held_by: "main", type: "branch", reason: "min_snapshots_to_keep", snapshots: 1 },
      { held_by: HOLDER, type: "pin", reason: "pinned", snapshots: 3 },
    ]);
    assert.deepEqual(
      receipt.pinned_snapshots,
      ids.slice(1, 4).map((id) => ({ snapshot_id: id, held_by: [HOLDER] })),
    );
    assert.deepEqual(await idsOf(world), ids.slice(1));
    const sql = `SELECT count(*) AS n FROM db.events`;
    const at = { [TABLE]: { snapshot_id: ids[1] } };
    assert.deepEqual((await send("/query", "POST", { sql, at })).body.rows, [{ n: 2 }]);
    await state.transaction((tx) => release(tx, "pipeline 0192"));
    assert.equal((await details(expiry)).expired_snapshots_count, 3);
  }));

Deno.test("the health of a table tells who holds its snapshots, and asks for no expiry of them", () =>
  withServer(async (world) => {
    const { send, state } = world;
    const ids = await tableOf(world, 3, { "history.expire.max-snapshot-age-ms": "1" });
    const advice = async () => {
      const { body } = await send(`/table/${TABLE}/health`, "GET");
      const all: readonly { code: string; summary: string }[] = body.recommendations;
      return all.filter(({ code }) => code.endsWith("_snapshots"));
    };
    assert.deepEqual((await advice()).map(({ code }) => code), ["expire_snapshots"]);
    await pin(world, { snapshotId: BigInt(ids[0] ?? "") });
    const [held, ...more] = await advice();
    assert.deepEqual([held?.code, more], ["pinned_snapshots", []]);
    assert(held?.summary.includes(HOLDER), held?.summary);
    await state.transaction((tx) => release(tx, "pipeline 0192"));
    assert.deepEqual((await advice()).map(({ code }) => code), ["expire_snapshots"]);
  }));

Deno.test("named snapshots that are read, and tables that are in use, are 409 with whose they are", () =>
  withServer(async (world) => {
    const { send, state } = world;
    const ids = await tableOf(world, 3);
    await pin(world, { snapshotId: BigInt(ids[0] ?? "") });
    const refused = (code: string, answer: Answer) => {
      assert.deepEqual([answer.status, answer.body.code], [409, code], JSON.stringify(answer.body));
      assert(answer.body.detail.includes(HOLDER), answer.body.detail);
    };
    const named = { table: TABLE, snapshot_ids: [ids[1]] };
    refused("snapshot_held", await send("/expire", "POST", named));
    const back = { table: TABLE, snapshot_id: ids[0] };
    refused("table_in_use", await send("/rollback", "POST", back));
    for (const purge of [true, false]) {
      const path = `/table/${TABLE}?purge=${purge}`;
      refused("table_in_use", await send(path, "DELETE"));
    }
    assert.deepEqual(await idsOf(world), ids);
    await state.transaction((tx) => release(tx, "pipeline 0192"));
    assert.equal((await send("/rollback", "POST", back)).status, 200);
    assert.equal((await send(`/table/${TABLE}?purge=true`, "DELETE")).status, 200);
  }));
