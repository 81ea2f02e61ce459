import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { createLog, type LogLevel, MAX_LOG_TEXT_CHARS, silentLog } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";

function capture(level: LogLevel = "debug") {
  const lines: string[] = [];
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };
  const log = createLog({ level, clock, sink: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

Deno.test("createLog() writes one JSON object a line", () => {
  const { log, lines, last } = capture();
  log.info("Table\nread", { rows: 3 });
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]?.includes("\n"));
  assert.deepEqual(last(), {
    rows: 3,
    time: "2026-01-02T03:04:05.000Z",
    level: "info",
    message: "Table\nread",
  });
});

Deno.test("a log line begins with its time, level and message, whatever else it says", () => {
  const { log, lines } = capture();
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, i]));
  log.child(many).warn("Full", { level: "debug", time: "yesterday" });
  const begin = '{"time":"2026-01-02T03:04:05.000Z","level":"warn","message":"Full","key0":0,';
  assert.ok(lines[0]?.startsWith(begin), lines[0]);
});

Deno.test("createLog() drops lines below its level", () => {
  const { log, lines } = capture("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["c", "d"]);
});

Deno.test("a silent log writes nothing", () => {
  const { log, lines } = capture("silent");
  log.error("a");
  silentLog.error("b");
  assert.deepEqual(lines, []);
});

Deno.test("a log line masks secrets wherever they are", () => {
  const { log, lines } = capture();
  const secret = new Secret("hunter2");
  log.info("x", { secret, nested: { list: [secret] }, map: new Map([["k", secret]]) });
  assert.ok(!lines[0]?.includes("hunter2"));
  assert.equal(lines[0]?.split(Secret.mask).length, 4);
});

Deno.test("a log line keeps 64-bit integers exact", () => {
  const { log, last } = capture();
  log.info("x", { id: 9223372036854775807n, deep: [{ id: 1n }] });
  assert.equal(last().id, "9223372036854775807");
  assert.equal(last().deep[0].id, "1");
});

Deno.test("a log line shows an error with its causes", () => {
  const { log, last } = capture();
  const cause = new TypeError("socket closed");
  log.error("x", { error: new AppError("unavailable", "c", "Cannot reach it", { cause }) });
  assert.match(last().error, /Cannot reach it[\s\S]*Caused by: TypeError: socket closed/);
});

Deno.test("a log line survives cycles, functions, bytes and invalid dates", () => {
  const { log, last } = capture();
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  log.info("x", {
    cycle,
    call: () => 1,
    bytes: new Uint8Array(7),
    date: new Date(NaN),
    throwing: {
      toJSON() {
        throw new Error("no");
      },
    },
    none: undefined,
    infinite: Infinity,
  });
  assert.ok(JSON.stringify(last().cycle).includes("[deep]"));
  assert.equal(last().call, "[function]");
  assert.equal(last().bytes, "[7 bytes]");
  assert.equal(last().date, null);
  assert.match(last().throwing, /unprintable/);
  assert.equal(last().infinite, "Infinity");
  assert.equal(last().message, "x");
});

Deno.test("a log line clips a text beyond its bound", () => {
  const { log, last } = capture();
  log.info("x", { text: "a".repeat(MAX_LOG_TEXT_CHARS + 5), list: Array(500).fill(1) });
  assert.ok(last().text.endsWith("a [5 more]"));
  assert.equal(last().list.length, 100);
});

Deno.test("a field cannot pass for the line's own keys", () => {
  const { log, last } = capture();
  log.info("real", { level: "error", message: "forged", time: "never" });
  assert.equal(last().message, "real");
  assert.equal(last().level, "info");
});

Deno.test("child() puts its fields on every line", () => {
  const { log, last } = capture();
  log.child({ request_id: "r1" }).child({ route: "/a" }).info("x", { status: 200 });
  assert.equal(last().request_id, "r1");
  assert.equal(last().route, "/a");
  assert.equal(last().status, 200);
});
