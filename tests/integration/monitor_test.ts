/** `GET /api/pipeline/monitor` over real sockets: who may watch, and what they see. */
import assert from "node:assert/strict";
import type { Role } from "../../lib/access/mod.ts";
import { PipelineMetrics } from "../../lib/pipelines/mod.ts";
import { Problem } from "../../routes/_problem.ts";
import {
  eventually,
  MONITOR_PATH,
  type MonitorBed,
  openMonitorBed,
} from "../support/monitor_bed.ts";
import { pipelineMetrics } from "../support/pipeline_metrics.ts";
import { shakeHands } from "../support/raw_web_socket.ts";

const APP = "https://app.example.com";
const EVIL = "https://evil.example.com";

/** The status of a handshake, and the code of its refusal. */
async function answerTo(
  bed: MonitorBed,
  headers: Record<string, string | null>,
  query = "",
): Promise<string> {
  const answer = await shakeHands({ port: bed.port, path: MONITOR_PATH + query, headers });
  using _socket = answer.socket;
  if (answer.status === 101) return "101";
  const problem = Problem.parse(JSON.parse(answer.body));
  assert.equal(problem.status, answer.status);
  return `${answer.status} ${problem.code}`;
}

Deno.test("every role may watch, nobody else may", async () => {
  await using bed = await openMonitorBed();
  for (const role of ["Auditor", "DataEngineer", "LeadDataEngineer", "Admin"] as const) {
    const { headers } = await bed.newToken(`one-${role.toLowerCase()}`, role satisfies Role);
    assert.equal(await answerTo(bed, headers), "101", role);
  }
  const jwt = { authorization: `Bearer ${await bed.signJwt({ role: "Auditor" })}` };
  assert.equal(await answerTo(bed, jwt), "101");
  const roleless = { authorization: `Bearer ${await bed.signJwt({})}` };
  assert.equal(await answerTo(bed, roleless), "403 role_missing");
  assert.equal(await answerTo(bed, {}), "401 credentials_required");
  const forged = { authorization: `Bearer drls_${"A".repeat(43)}` };
  assert.equal(await answerTo(bed, forged), "401 invalid_token");
  await eventually(() => bed.monitor.stats().watching === 0);
});

Deno.test("pages watch with a session or a ticket, from their own origin alone", async () => {
  await using bed = await openMonitorBed({ http: { corsOrigins: [APP] } });
  const { headers } = await bed.newToken("page");
  const signIn = async (origin: string) => {
    const init = { method: "POST", headers: { ...headers, origin } };
    const session = await fetch(`${bed.origin}/api/session`, init);
    await session.body?.cancel();
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const granted = await fetch(`${bed.origin}/api/session/ticket`, init);
    return { cookie, query: `?ticket=${(await granted.json()).ticket}` };
  };
  const own = await signIn(bed.origin);
  const app = await signIn(APP);
  assert.equal(await answerTo(bed, { cookie: own.cookie, origin: bed.origin }), "101");
  assert.equal(await answerTo(bed, { cookie: app.cookie, origin: APP }), "101");
  assert.equal(await answerTo(bed, { cookie: own.cookie }), "403 origin_required");
  assert.equal(await answerTo(bed, { cookie: own.cookie, origin: EVIL }), "403 foreign_origin");
  assert.equal(await answerTo(bed, { cookie: own.cookie, origin: "null" }), "403 foreign_origin");
  assert.match(await answerTo(bed, { cookie: own.cookie, origin: APP }), /^401 /);
  assert.equal(await answerTo(bed, { origin: EVIL }, own.query), "403 foreign_origin");
  assert.equal(await answerTo(bed, { origin: bed.origin }, own.query), "101");
  assert.equal(await answerTo(bed, { origin: bed.origin }, own.query), "401 invalid_ticket");
  assert.equal(await answerTo(bed, { origin: bed.origin }, app.query), "401 invalid_ticket");
  assert.equal(await answerTo(bed, { ...headers, origin: EVIL }), "403 foreign_origin");
  assert.equal(await answerTo(bed, { ...headers, origin: bed.origin }), "101");
  assert.ok(!bed.lines.some((line) => line.includes(own.query)), "a ticket is in the log");
});

Deno.test("what is no handshake, or asks for what is not there, is refused by name", async () => {
  await using bed = await openMonitorBed();
  bed.hub.publish(pipelineMetrics());
  const { headers } = await bed.newToken("one");
  const plain = await fetch(bed.origin + MONITOR_PATH, { headers });
  assert.equal(plain.status, 426);
  assert.equal(plain.headers.get("upgrade"), "websocket");
  assert.match((await plain.json()).detail, /WebSocket client/);
  const refusal = (more: Record<string, string | null>, query = "") =>
    answerTo(bed, { ...headers, ...more }, query);
  assert.equal(await refusal({ connection: "keep-alive" }), "426 upgrade_required");
  assert.equal(await refusal({ upgrade: "h2c" }), "426 upgrade_required");
  assert.equal(await refusal({ "sec-websocket-version": "8" }), "426 upgrade_required");
  assert.equal(await refusal({ "sec-websocket-key": null }), "400 malformed_handshake");
  assert.equal(await refusal({ "sec-websocket-key": "short" }), "400 malformed_handshake");
  assert.equal(await refusal({}, "?pipeline_id=nowhere"), "404 pipeline_not_found");
  assert.equal(await refusal({}, "?pipeline_id="), "422 invalid_request");
  assert.equal(await refusal({}, "?since=yesterday"), "422 invalid_request");
  assert.equal(await refusal({}, "?from=1"), "422 invalid_request");
  assert.equal(await refusal({ connection: "keep-alive, Upgrade" }, "?pipeline_id=p1"), "101");
});

Deno.test("a client gets each pipeline on connect, and then each change", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  const first = pipelineMetrics({ pipeline_id: "a", version: 7 });
  bed.hub.publish(first);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "b", version: 3 }));
  const client = await bed.watch(headers);
  assert.deepEqual(PipelineMetrics.parse(await client.next()), first);
  assert.deepEqual(await client.take(1), ["b@3"]);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "b", version: 4 }));
  assert.deepEqual(await client.take(1), ["b@4"]);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "c", version: 1, status: "starting" }));
  assert.deepEqual(await client.take(1), ["c@1"]);
});

Deno.test("who connects amid changes gets each pipeline once", async () => {
  await using bed = await openMonitorBed({ bounds: { messageIntervalMs: 20 } });
  const { headers } = await bed.newToken("one");
  const early = await bed.watch(headers);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "a", version: 1 }));
  assert.deepEqual(await early.take(1), ["a@1"]);
  // Version 2 has to wait for its turn; the new client must not get it twice.
  bed.hub.publish(pipelineMetrics({ pipeline_id: "a", version: 2 }));
  const late = await bed.watch(headers);
  assert.deepEqual(await late.take(1), ["a@2"]);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "a", version: 3 }));
  assert.deepEqual(await late.take(1), ["a@3"]);
  assert.deepEqual(await early.take(2), ["a@2", "a@3"]);
});

Deno.test("changes at once are sent as one", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  const client = await bed.watch(headers);
  await eventually(() => bed.monitor.stats().watching === 1);
  for (let version = 1; version <= 1_000; version++) bed.hub.publish(pipelineMetrics({ version }));
  assert.deepEqual(await client.take(1), ["p1@1000"]);
});

Deno.test("?pipeline_id= shows one pipeline, and ends with it", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  for (const pipeline_id of ["a", "b"]) bed.hub.publish(pipelineMetrics({ pipeline_id }));
  const one = await bed.watch(headers, "?pipeline_id=b");
  const all = await bed.watch(headers);
  assert.deepEqual(await one.take(1), ["b@1"]);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "a", version: 2 }));
  assert.deepEqual(await all.take(3), ["a@1", "b@1", "a@2"]);
  bed.hub.publish(pipelineMetrics({ pipeline_id: "b", version: 2 }));
  assert.deepEqual(await one.take(1), ["b@2"]);
  bed.hub.forget("b");
  assert.equal(await one.closed, 4404);
  assert.equal(await answerTo(bed, headers, "?pipeline_id=b"), "404 pipeline_not_found");
  bed.hub.publish(pipelineMetrics({ pipeline_id: "a", version: 3 }));
  assert.deepEqual(await all.take(2), ["b@2", "a@3"]);
});

Deno.test("?since= leaves out pipelines without news, in any zone", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  for (const minute of [1, 2, 3]) {
    const at = `2026-01-01T00:0${minute}:00.000Z`;
    bed.hub.publish(pipelineMetrics({ pipeline_id: `p${minute}`, at }));
  }
  const sinces = ["2026-01-01T00:03:30.000Z", "2026-01-01T02:03:30.000%2B02:00"];
  for (const since of sinces) {
    const client = await bed.watch(headers, `?since=${since}`);
    assert.deepEqual(await client.take(1), ["p3@1"], since);
    // An old time is news where the pipeline had none yet: only what was known at first is left out.
    bed.hub.publish(pipelineMetrics({ pipeline_id: "p1", at: "2026-01-01T00:01:00.000Z" }));
    assert.deepEqual(await client.take(1), ["p1@1"], since);
  }
});

Deno.test("?since= brings what was held back when its client left, though the last message is newer", async () => {
  await using bed = await openMonitorBed({ bounds: { messageIntervalMs: 60_000 } });
  const { headers } = await bed.newToken("one");
  const publish = (pipeline: string, version: number, ms: number) => {
    const at = new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
    bed.hub.publish(pipelineMetrics({ pipeline_id: pipeline, version, at }));
    return at;
  };
  const client = await bed.watch(headers);
  publish("b", 1, 0);
  assert.deepEqual(await client.take(1), ["b@1"]);
  // Too soon after the one before.
  publish("b", 2, 70);
  const since = publish("a", 1, 80);
  assert.deepEqual(await client.take(1), ["a@1"]);
  client.close();
  await eventually(() => bed.monitor.stats().watching === 0);
  const again = await bed.watch(headers, `?since=${since}`);
  assert.deepEqual((await again.take(2)).toSorted(), ["a@1", "b@2"]);
});

Deno.test("the monitor is documented with its messages and refusals", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  const { paths } = await (await fetch(`${bed.origin}/api/openapi.json`, { headers })).json();
  const { responses } = paths[MONITOR_PATH].get;
  assert.ok(responses["101"].content["application/json"].schema);
  for (const status of ["400", "401", "403", "404", "422", "426", "503"]) {
    assert.ok(responses[status].content["application/problem+json"], status);
  }
});
