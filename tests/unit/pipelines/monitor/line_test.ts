import assert from "node:assert/strict";
import { MonitorLine } from "../../../../lib/pipelines/monitor/line.ts";

const MAX_BYTES = 100;
const STALL_MS = 1_000;

/** A socket whose client reads when the test says so. */
function setup() {
  const socket = {
    bufferedAmount: 0,
    sent: [] as string[],
    send(data: unknown) {
      const text = String(data);
      socket.sent.push(text);
      socket.bufferedAmount += text.length;
    },
    read: () => socket.bufferedAmount = 0,
  };
  const counts = { sent: 0, overtaken: 0 };
  const line = new MonitorLine(socket, { maxBufferedBytes: MAX_BYTES, stallMs: STALL_MS, counts });
  const offer = (pipelineId: string, text: string, nowMs = 0) =>
    line.offer({ pipelineId, text }, nowMs);
  return { socket, counts, line, offer };
}

/** More than fits with the one after it. */
const BIG = "x".repeat(MAX_BYTES + 1);

Deno.test("offer() sends while there is room", () => {
  const { socket, offer, line } = setup();
  assert.equal(offer("a", "1"), true);
  assert.equal(offer("a", "2"), true);
  assert.deepEqual(socket.sent, ["1", "2"]);
  assert.equal(line.drain(0), "clear");
});

Deno.test("a full socket gets nothing, and later the newest message of each pipeline", () => {
  const { socket, counts, line, offer } = setup();
  offer("a", BIG);
  for (let i = 0; i < 1_000; i++) {
    assert.equal(offer("a", `a${i}`), false);
    assert.equal(offer("b", `b${i}`), false);
  }
  assert.equal(line.drain(1), "full");
  assert.deepEqual(socket.sent, [BIG]);
  socket.read();
  assert.equal(line.drain(2), "clear");
  assert.deepEqual(socket.sent, [BIG, "a999", "b999"]);
  assert.deepEqual(counts, { sent: 3, overtaken: 1_998 });
  assert.equal(offer("a", "after"), true);
});

Deno.test("a message never passes one that waits", () => {
  const { socket, line, offer } = setup();
  offer("a", BIG);
  offer("a", "old");
  socket.read();
  // There is room, but "old" has not gone out: what is sent now would be followed by older figures.
  assert.equal(offer("a", "new"), false);
  assert.equal(offer("b", "other"), false);
  assert.equal(line.drain(1), "clear");
  assert.deepEqual(socket.sent, [BIG, "new", "other"]);
});

Deno.test("drain() stops where the socket is full again", () => {
  const { socket, line, offer } = setup();
  offer("a", BIG);
  offer("b", BIG);
  offer("c", "c");
  socket.read();
  assert.equal(line.drain(1), "full");
  assert.deepEqual(socket.sent, [BIG, BIG]);
  socket.read();
  assert.equal(line.drain(2), "clear");
  assert.deepEqual(socket.sent, [BIG, BIG, "c"]);
});

Deno.test("a line is stalled once nothing was read for the whole bound", () => {
  const { socket, line, offer } = setup();
  offer("a", BIG, 0);
  offer("b", BIG, 10);
  offer("c", BIG, 500);
  assert.equal(line.drain(STALL_MS + 9), "full");
  socket.read();
  // Something was read: the time begins anew.
  assert.equal(line.drain(STALL_MS + 10), "full");
  assert.equal(line.drain(2 * STALL_MS + 9), "full");
  assert.equal(line.drain(2 * STALL_MS + 10), "stalled");
});

Deno.test("drop() forgets what waits of a pipeline", () => {
  const { socket, line, offer } = setup();
  offer("a", BIG);
  offer("b", "b");
  line.drop("b");
  socket.read();
  assert.equal(line.drain(1), "clear");
  assert.deepEqual(socket.sent, [BIG]);
});
