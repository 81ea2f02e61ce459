/**
 * Clients of the monitor: `monitor_clients.ts <port> <clients> <stalled> <seconds> <token...>`. They
 * read frames and nothing else, so that two processors suffice for both sides; those that are
 * stalled connect and never read again. Prints how late messages came.
 */
import { shakeHands } from "../../tests/support/raw_web_socket.ts";
import { percentile } from "./statistics.ts";

const [port = 0, clients = 0, stalled = 0, seconds = 0] = Deno.args.slice(0, 4).map(Number);
const tokens = Deno.args.slice(4);
const READ_BYTES = 65_536;
/** So many handshakes at a time: what is measured is watching, not arriving. */
const AT_ONCE = 20;
const WARM_UP_MS = 3_000;

const decoder = new TextDecoder();
/** So much of a message holds its time. */
const HEAD_BYTES = 512;
/** A time as every message has it. */
const AT = /"at":"([^"]+)"/;
const TIMES = new Map<string, number>();

/** What came since the start of the measurement. */
const latenciesMs: number[] = [];
let measuring = false;

/** A message of the server: its time, looked up where many get the same. */
function take(payload: Uint8Array, nowMs: number): void {
  if (!measuring) return;
  const text = AT.exec(decoder.decode(payload.subarray(0, HEAD_BYTES)))?.[1] ?? "";
  const atMs = TIMES.get(text) ?? Date.parse(text);
  TIMES.set(text, atMs);
  latenciesMs.push(nowMs - atMs);
}

/** Reads to the end, and answers pings. */
async function read(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  let held = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(held));
    if (count === null) return;
    held += count;
    const nowMs = Date.now();
    let at = 0;
    while (held - at >= 2) {
      const short = (buffer[at + 1] ?? 0) & 0x7f;
      const head = short === 126 ? 4 : 2;
      if (held - at < head) break;
      const length = short === 126 ? (buffer[at + 2] ?? 0) * 256 + (buffer[at + 3] ?? 0) : short;
      if (held - at < head + length) break;
      const opcode = (buffer[at] ?? 0) & 0x0f;
      const payload = buffer.subarray(at + head, at + head + length);
      if (opcode === 1) take(payload, nowMs);
      if (opcode === 9) await connection.write(new Uint8Array([0x8a, 0x80, 0, 0, 0, 0]));
      at += head + length;
    }
    buffer.copyWithin(0, at, held);
    held -= at;
  }
}

async function connect(index: number): Promise<void> {
  const authorization = tokens[index % tokens.length] ?? "";
  const { status, socket } = await shakeHands({
    port,
    path: "/api/pipeline/monitor",
    headers: { authorization },
  });
  if (status !== 101) throw new Error(`Handshake ${index} was answered with ${status}`);
  if (index >= stalled) void read(socket.connection);
}

const startedAt = performance.now();
for (let at = 0; at < clients; at += AT_ONCE) {
  const indexes = Array.from({ length: Math.min(AT_ONCE, clients - at) }, (_, i) => at + i);
  await Promise.all(indexes.map(connect));
}
const connectMs = performance.now() - startedAt;
await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
measuring = true;
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
measuring = false;
console.log(JSON.stringify({
  connectMs,
  perSecond: latenciesMs.length / seconds,
  p50: percentile(latenciesMs, 50),
  p99: percentile(latenciesMs, 99),
  max: percentile(latenciesMs, 100),
}));
Deno.exit(0);
