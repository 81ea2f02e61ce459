/** What the monitor does with clients that are slow, hostile, too many or not allowed any more. */
import assert from "node:assert/strict";
import type { PipelineMetrics } from "../../lib/pipelines/mod.ts";
import {
  eventually,
  MONITOR_PATH,
  type MonitorBed,
  openMonitorBed,
} from "../support/monitor_bed.ts";
import { pipelineMetrics } from "../support/pipeline_metrics.ts";
import {
  closeOf,
  type Frame,
  frame,
  OPCODES,
  type RawWebSocket,
  shakeHands,
} from "../support/raw_web_socket.ts";

const DAY_MS = 86_400_000;

/** A client down to its frames, which watches. */
async function rawClient(bed: MonitorBed, headers: Record<string, string>): Promise<RawWebSocket> {
  const { status, socket } = await shakeHands({ port: bed.port, path: MONITOR_PATH, headers });
  assert.equal(status, 101);
  return socket;
}

const isClose = ({ opcode }: Frame) => opcode === OPCODES.close;

/** The code with which the server ends a raw client. */
async function closeCode(socket: RawWebSocket): Promise<number | null> {
  const last = (await socket.until(isClose)).at(-1);
  return last !== undefined && isClose(last) ? closeOf(last).code : null;
}

const bytes = (length: number) => new Uint8Array(length).fill(97);

/** Figures as large as a long message of an error makes them. */
function largeMetrics(version: number): PipelineMetrics {
  const at = "2026-01-01T00:00:00.000Z";
  const last_error = { code: "x", message: "x".repeat(100_000), at };
  return pipelineMetrics({ version, last_error });
}

/** Publishes until a client that does not read is full: the system's own buffers come first. */
async function publishUntilSlow(bed: MonitorBed): Promise<number> {
  let version = 1;
  while (bed.monitor.stats().slow === 0) {
    bed.hub.publish(largeMetrics(version++));
    const { messagesSent } = bed.monitor.stats();
    await eventually(() => bed.monitor.stats().messagesSent > messagesSent || isSlow(bed));
  }
  return version;
}

const isSlow = (bed: MonitorBed) => bed.monitor.stats().slow > 0;

Deno.test("a client that did not read for a while gets the newest message, and not those before", async () => {
  await using bed = await openMonitorBed({
    bounds: { messageIntervalMs: 1, drainIntervalMs: 1 },
  });
  const { headers } = await bed.newToken("one");
  using slow = await rawClient(bed, headers);
  await eventually(() => bed.monitor.stats().watching === 1);
  const full = await publishUntilSlow(bed);
  for (let version = full; version < full + 100; version++) {
    bed.hub.publish(largeMetrics(version));
    const { messagesOvertaken } = bed.monitor.stats();
    await eventually(() => bed.monitor.stats().messagesOvertaken > messagesOvertaken);
  }
  // A client that reads is not held up by one that does not.
  const good = await bed.watch(headers);
  assert.deepEqual(await good.take(1), [`p1@${full + 99}`]);
  const isLast = ({ payload }: Frame) =>
    JSON.parse(new TextDecoder().decode(payload)).version === full + 99;
  const frames = await slow.until(isLast);
  assert.ok(isLast(frames.at(-1) as Frame), "the newest message never came");
  // All up to the one before the last that found no room, and the newest.
  assert.equal(frames.length, full - 1);
  await eventually(() => bed.monitor.stats().slow === 0);
  bed.hub.publish(pipelineMetrics({ version: full + 100 }));
  const next = await slow.next();
  assert.equal(JSON.parse(new TextDecoder().decode(next?.payload)).version, full + 100);
});

Deno.test("a client that reads nothing for too long is closed with 1013", async () => {
  await using bed = await openMonitorBed({
    bounds: { messageIntervalMs: 1, drainIntervalMs: 1, stallMs: 50 },
  });
  const { headers } = await bed.newToken("one");
  using stalled = await rawClient(bed, headers);
  await eventually(() => bed.monitor.stats().watching === 1);
  await publishUntilSlow(bed);
  await eventually(() => bed.monitor.stats().watching === 0);
  // It keeps its place until it lets go: its system's buffers are as full as they were.
  assert.deepEqual([bed.monitor.stats().lingering, bed.monitor.stats().slow], [1, 0]);
  assert.equal(await closeCode(stalled), 1013);
  await stalled.send(OPCODES.close, new Uint8Array([3, 245]));
  await eventually(() => bed.monitor.stats().lingering === 0);
});

Deno.test("clients that talk too much or too large are closed, others stay", async () => {
  await using bed = await openMonitorBed({ bounds: { maxMessages: 20 } });
  const { headers } = await bed.newToken("one");
  const good = await bed.watch(headers);
  for (const size of [0, 1, 1_024]) good.send(bytes(size));
  good.send("hello");
  const endings: [string, number | null, (socket: RawWebSocket) => Promise<void>][] = [
    ["too large", 1009, (socket) => socket.send(OPCODES.text, bytes(1_025))],
    ["too large, as bytes", 1009, (socket) => socket.send(OPCODES.binary, bytes(2_000_000))],
    ["too many", 1008, async (socket) => {
      for (let i = 0; i <= 20; i++) await socket.send(OPCODES.text, bytes(1));
    }],
    [
      "larger than the runtime takes",
      null,
      (socket) => socket.write(frame(OPCODES.text, bytes(0), { claimedBytes: 2 ** 40 })),
    ],
    ["no UTF-8", null, (socket) => socket.send(OPCODES.text, new Uint8Array([0xff, 0xfe]))],
    ["an opcode that is none", null, (socket) => socket.send(7, bytes(1))],
    ["no frames at all", null, (socket) => socket.write(bytes(100_000))],
    ["a goodbye", 1000, (socket) => socket.send(OPCODES.close, new Uint8Array([3, 232]))],
  ];
  for (const [name, code, act] of endings) {
    using socket = await rawClient(bed, headers);
    await act(socket);
    assert.equal(await closeCode(socket), code, name);
  }
  await eventually(() => bed.monitor.stats().watching === 1);
  bed.hub.publish(pipelineMetrics({ version: 9 }));
  assert.deepEqual(await good.take(1), ["p1@9"]);
});

Deno.test("connections that end without a word leave nothing behind", async () => {
  await using bed = await openMonitorBed();
  const { headers } = await bed.newToken("one");
  for (let i = 0; i < 50; i++) {
    using socket = await rawClient(bed, headers);
    // Half of a frame.
    if (i % 2 === 0) await socket.write(frame(OPCODES.text, bytes(100)).subarray(0, 50));
  }
  await eventually(() => {
    const { watching, lingering } = bed.monitor.stats();
    return watching + lingering === 0;
  });
});

Deno.test("a client that answers no ping is closed, one that does stays", async () => {
  await using bed = await openMonitorBed({ bounds: { idleTimeoutSeconds: 1 } });
  const { headers } = await bed.newToken("one");
  const good = await bed.watch(headers);
  using mute = await rawClient(bed, headers);
  const frames = await mute.until(isClose);
  assert.deepEqual(frames.map(({ opcode }) => opcode), [OPCODES.ping, OPCODES.close]);
  assert.equal(closeOf(frames[1] as Frame).code, 1001);
  await eventually(() => bed.monitor.stats().watching === 1);
  bed.hub.publish(pipelineMetrics());
  assert.deepEqual(await good.take(1), ["p1@1"]);
});

Deno.test("who may not watch any more is closed with 4401", async (t) => {
  await using bed = await openMonitorBed({ bounds: { recheckMs: 20 } });
  const { headers } = await bed.newToken("stays");
  const stays = await bed.watch(headers);
  await t.step("a token that was revoked", async () => {
    const { id, headers } = await bed.newToken("revoked");
    const client = await bed.watch(headers);
    await bed.access.revokeToken(bed.operator, { id });
    assert.equal(await client.closed, 4401);
  });
  await t.step("a user who was disabled", async () => {
    const { headers } = await bed.newToken("disabled");
    const clients = [await bed.watch(headers), await bed.watch(headers)];
    await bed.access.updateUser(bed.operator, { name: "disabled", disabled: true });
    for (const client of clients) assert.equal(await client.closed, 4401);
  });
  await t.step("a session that was signed out, and a ticket that it granted", async () => {
    const { headers } = await bed.newToken("browser");
    const origin = bed.origin;
    const post = async (path: string, headers: Record<string, string>, method = "POST") => {
      const init = { method, headers: { ...headers, origin } };
      return await fetch(`${bed.origin}/api/session${path}`, init);
    };
    const signedIn = await post("", headers);
    await signedIn.body?.cancel();
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { ticket } = await (await post("/ticket", { cookie })).json();
    const bySession = await bed.watch({ cookie, origin });
    const byTicket = await bed.watch({ origin }, `?ticket=${ticket}`);
    await post("", { cookie }, "DELETE");
    assert.deepEqual([await bySession.closed, await byTicket.closed], [4401, 4401]);
  });
  await t.step("a JWT that expired, and tokens", async () => {
    const jwt = await bed.signJwt({ role: "Auditor" });
    const client = await bed.watch({ authorization: `Bearer ${jwt}` });
    bed.hub.publish(pipelineMetrics({ version: 5 }));
    assert.deepEqual(await stays.take(1), ["p1@5"]);
    bed.passTime(2 * DAY_MS);
    assert.deepEqual([await client.closed, await stays.closed], [4401, 4401]);
  });
});

Deno.test("beyond the most sockets it is 503 with the time to wait, until one leaves", async () => {
  await using bed = await openMonitorBed({ bounds: { maxSockets: 3, maxSocketsPerPrincipal: 2 } });
  const one = await bed.newToken("one");
  const other = await bed.newToken("other");
  const refusal = async (headers: Record<string, string>) => {
    const answer = await shakeHands({ port: bed.port, path: MONITOR_PATH, headers });
    using _socket = answer.socket;
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "10");
    const { code, detail } = JSON.parse(answer.body);
    return `${code}: ${detail}`;
  };
  const clients = [await bed.watch(one.headers), await bed.watch(one.headers)];
  assert.match(await refusal(one.headers), /^too_many_watchers: .*2 sockets of "one"/);
  await bed.watch(other.headers);
  assert.match(await refusal(other.headers), /^too_many_watchers: .*3 sockets do already/);
  clients[0]?.close();
  await eventually(() => bed.monitor.stats().watching === 2);
  await bed.watch(one.headers);
});

Deno.test("close() says goodbye to everybody and lets nobody in", async () => {
  await using bed = await openMonitorBed({ bounds: { closeMs: 200 } });
  const { headers } = await bed.newToken("one");
  const clients = [await bed.watch(headers), await bed.watch(headers)];
  // One that reads the goodbye and does not return it must not hold up the server.
  using rude = await rawClient(bed, headers);
  await bed.monitor.close();
  for (const client of clients) assert.equal(await client.closed, 1001);
  assert.equal(await closeCode(rude), 1001);
  const { status, body, socket } = await shakeHands({
    port: bed.port,
    path: MONITOR_PATH,
    headers,
  });
  using _socket = socket;
  assert.deepEqual([status, JSON.parse(body).code], [503, "server_stopping"]);
});
