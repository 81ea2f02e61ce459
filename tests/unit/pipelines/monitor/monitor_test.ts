import assert from "node:assert/strict";
import type { Principal } from "../../../../lib/access/mod.ts";
import { AppError } from "../../../../lib/errors.ts";
import { createLog } from "../../../../lib/log.ts";
import { type MonitorBounds, PipelineHub, PipelineMonitor } from "../../../../lib/pipelines/mod.ts";
import { pipelineMetrics } from "../../../support/pipeline_metrics.ts";

const QUERY = { pipelineId: null, sinceMs: null };

function principal(tokenId: string): Principal {
  return { id: "u1", name: "one", role: "Auditor", credential: { kind: "token", tokenId } };
}

/** The server's end of a socket whose client does what the test says. */
class FakeSocket extends EventTarget {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly sent: unknown[] = [];
  readonly closedWith: (number | undefined)[] = [];

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closedWith.push(code);
    this.dispatchEvent(new Event("close"));
  }
}

interface SetupOptions {
  readonly bounds?: Partial<MonitorBounds>;
  readonly refresh?: (principal: Principal) => Promise<Principal>;
}

function setup({ bounds = {}, refresh = (same) => Promise.resolve(same) }: SetupOptions) {
  const hub = new PipelineHub();
  const time = { nowMs: 0 };
  const lines: string[] = [];
  const checked: string[] = [];
  let onCheck = Promise.withResolvers<void>();
  const monitor = new PipelineMonitor({
    hub,
    access: {
      refresh: async (one) => {
        checked.push(JSON.stringify(one.credential));
        queueMicrotask(() => {
          onCheck.resolve();
          onCheck = Promise.withResolvers();
        });
        return await refresh(one);
      },
    },
    log: createLog({ level: "debug", sink: (line) => lines.push(line) }),
    bounds: { recheckMs: 1, ...bounds },
    elapsedMs: () => time.nowMs,
  });
  const watch = (tokenId = "t1") => {
    const socket = new FakeSocket();
    monitor.watch(socket, { principal: principal(tokenId), ...QUERY });
    return socket;
  };
  /** Resolves after a check that begins from now on. */
  const check = async () => {
    await onCheck.promise;
    await onCheck.promise;
  };
  return { hub, time, lines, checked, monitor, watch, check };
}

const open = (socket: FakeSocket) => socket.dispatchEvent(new Event("open"));

Deno.test("a state that is away ends no watch, until nobody could tell for too long", async () => {
  const away = new AppError("unavailable", "state_unavailable", "Cannot reach the state");
  let isAway = false;
  const { time, monitor, watch, check, lines } = setup({
    bounds: { uncheckedMs: 600 },
    refresh: (same) => isAway ? Promise.reject(away) : Promise.resolve(same),
  });
  const socket = watch();
  open(socket);
  time.nowMs = 5_000;
  await check();
  isAway = true;
  await check();
  time.nowMs = 5_599;
  await check();
  assert.deepEqual(socket.closedWith, []);
  assert.ok(lines.some((line) => line.includes("Cannot check who watches")), lines.join("\n"));
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  time.nowMs = 5_600;
  await closed;
  assert.deepEqual(socket.closedWith, [4401]);
  await monitor.close();
});

Deno.test("a check asks once for each credential", async () => {
  const { monitor, watch, check, checked } = setup({});
  for (const token of ["t1", "t1", "t2", "t1", "t2"]) open(watch(token));
  await check();
  await monitor.close();
  const [first, second] = checked;
  assert.notEqual(first, second);
  assert.deepEqual(checked.slice(0, 4), [first, second, first, second].slice(0, checked.length));
});

Deno.test("a handshake that does not end gives its place away", async () => {
  const { time, monitor, watch, check } = setup({ bounds: { maxSockets: 2, openMs: 100 } });
  open(watch());
  const late = watch();
  assert.throws(() => monitor.admit({ principal: principal("t1") }, QUERY), /2 sockets do already/);
  time.nowMs = 100;
  await check();
  monitor.admit({ principal: principal("t1") }, QUERY);
  open(late);
  assert.deepEqual(late.closedWith, [4408]);
  assert.equal(monitor.stats().watching, 1);
  await monitor.close();
});

Deno.test("messages of a client count within their window only", async () => {
  const { time, monitor, watch } = setup({ bounds: { maxMessages: 2, messageWindowMs: 1_000 } });
  const socket = watch();
  open(socket);
  const say = () => socket.dispatchEvent(new MessageEvent("message", { data: "hello" }));
  for (let i = 0; i < 3; i++) {
    say();
    say();
    assert.deepEqual(socket.closedWith, []);
    time.nowMs += 1_000;
  }
  for (let i = 0; i < 3; i++) say();
  assert.deepEqual(socket.closedWith, [1008]);
  await monitor.close();
});

Deno.test("stats() counts who watches and what was sent", async () => {
  const { hub, monitor, watch } = setup({});
  hub.publish(pipelineMetrics());
  const sockets = [watch(), watch()];
  assert.equal(monitor.stats().watching, 0);
  for (const socket of sockets) open(socket);
  assert.deepEqual(monitor.stats(), {
    watching: 2,
    slow: 0,
    lingering: 0,
    messagesSent: 2,
    messagesOvertaken: 0,
  });
  await monitor.close();
  assert.equal(monitor.stats().watching, 0);
});
