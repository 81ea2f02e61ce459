import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { WorkerClient } from "../../workers/worker_client.ts";
import { echoMethods } from "../support/echo_methods.ts";

/** Long enough for a cold isolate on a busy machine. */
const LONG_MS = 30_000;

async function withClient(
  run: (client: WorkerClient<typeof echoMethods>, crashes: string[]) => Promise<void>,
): Promise<void> {
  const crashes: string[] = [];
  const client = new WorkerClient({
    name: "echo",
    methods: echoMethods,
    spawn: () =>
      new Worker(new URL("../support/echo.worker.ts", import.meta.url), {
        type: "module",
        deno: { permissions: "none" },
      }),
    onCrash: (reason) => crashes.push(reason),
  });
  try {
    await run(client, crashes);
  } finally {
    client.close();
  }
}

function rejectsWithCode(promise: Promise<unknown>, code: string): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, code);
    return true;
  });
}

Deno.test("WorkerClient correlates concurrent calls", () =>
  withClient(async (client) => {
    const texts = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    const call = (text: string) => client.call("echo", { text }, { deadlineMs: LONG_MS });
    const answers = await Promise.all(texts.map(call));
    assert.deepEqual(answers.map((answer) => answer.text), texts);
    assert.equal(client.pendingCalls, 0);
  }));

Deno.test("WorkerClient rebuilds an AppError thrown inside the isolate", () =>
  withClient(async (client) => {
    await assert.rejects(client.call("fail", {}, { deadlineMs: LONG_MS }), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.kind, "not_found");
      assert.equal(error.code, "table_not_found");
      assert.deepEqual(error.issues, [{ path: "table", message: "no such table" }]);
      assert.equal(error.context["snapshotId"], 7n);
      return true;
    });
  }));

Deno.test("WorkerClient rejects every pending call when the isolate crashes, then starts a new one", () =>
  withClient(async (client, crashes) => {
    const bystander = client.call("sleep", { ms: LONG_MS }, { deadlineMs: LONG_MS });
    const culprit = client.call("crash", {}, { deadlineMs: LONG_MS });
    await Promise.all([
      rejectsWithCode(bystander, "isolate_lost"),
      rejectsWithCode(culprit, "isolate_lost"),
    ]);
    assert.match(crashes.join(), /the isolate fell over/);
    assert.equal(client.pendingCalls, 0);
    const answer = await client.call("echo", { text: "again" }, { deadlineMs: LONG_MS });
    assert.equal(answer.text, "again");
  }));

Deno.test("WorkerClient keeps a deadline and replaces an isolate stuck in synchronous code", () =>
  withClient(async (client, crashes) => {
    await client.call("echo", { text: "warm" }, { deadlineMs: LONG_MS });
    await rejectsWithCode(client.call("spin", {}, { deadlineMs: 100 }), "deadline_exceeded");
    // Queued behind the spinning call: rejected when the isolate is terminated, not left hanging.
    const queued = client.call("echo", { text: "queued" }, { deadlineMs: LONG_MS });
    await rejectsWithCode(queued, "isolate_lost");
    assert.deepEqual(crashes, ["did not answer a cancel"]);
    const answer = await client.call("echo", { text: "fresh" }, { deadlineMs: LONG_MS });
    assert.equal(answer.text, "fresh");
  }));

Deno.test("WorkerClient cancels by signal and leaves a well-behaved isolate running", () =>
  withClient(async (client, crashes) => {
    const controller = new AbortController();
    const options = { deadlineMs: LONG_MS, signal: controller.signal };
    const call = client.call("sleep", { ms: LONG_MS }, options);
    await client.call("echo", { text: "warm" }, { deadlineMs: LONG_MS });
    controller.abort();
    await rejectsWithCode(call, "cancelled");
    await client.call("echo", { text: "still here" }, { deadlineMs: LONG_MS });
    assert.equal(client.pendingCalls, 0);
    assert.deepEqual(crashes, []);
  }));

Deno.test("WorkerClient refuses a result that breaks the method's schema", () =>
  withClient(async (client) => {
    await assert.rejects(client.call("lie", {}, { deadlineMs: LONG_MS }), { name: "ZodError" });
  }));

Deno.test("WorkerClient rejects pending and later calls once closed", () =>
  withClient(async (client) => {
    const pending = client.call("sleep", { ms: LONG_MS }, { deadlineMs: LONG_MS });
    await client.call("echo", { text: "warm" }, { deadlineMs: LONG_MS });
    client.close();
    await rejectsWithCode(pending, "isolate_lost");
    await rejectsWithCode(
      client.call("echo", { text: "late" }, { deadlineMs: LONG_MS }),
      "isolate_lost",
    );
  }));
