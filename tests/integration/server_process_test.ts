/** The server as a process: first start, restart, wrong settings, taken port, stopping. */
import assert from "node:assert/strict";
import { spawnServer, startServer } from "../support/server_process.ts";

/** A request whose body is sent only when the test says so. */
function slowRequest(url: string, token: string) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const encoder = new TextEncoder();
      controller.enqueue(encoder.encode('{"name": "slow", '));
      begin();
      await released;
      controller.enqueue(encoder.encode('"role": "Auditor"}'));
      controller.close();
    },
  });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = fetch(`${url}/api/users`, { method: "POST", headers, body });
  answer.catch(() => {
    // Where it fails before the test awaits it, the test that says why must still end.
  });
  /** The server has begun to answer: what the client has sent may still lie in a buffer. */
  const arrived = async () => {
    await begun;
    await eventually(async () => {
      const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
      return Number(/^drls_http_requests_in_flight (\d+)$/m.exec(metrics)?.[1]) > 1;
    });
  };
  return { answer, arrived, release };
}

async function isStopping(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/health/ready`);
  await response.body?.cancel();
  return response.status === 503;
}

async function eventually(holds: () => Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!await holds()) {
    assert.ok(performance.now() < giveUpAt, "It did not come to hold in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a first start prints an Admin token once, and it works after a restart", async () => {
  const first = await startServer();
  try {
    assert.ok(first.token !== null);
    const headers = { authorization: `Bearer ${first.token}` };
    const users = await fetch(`${first.url}/api/users`, { headers });
    assert.equal(users.status, 200);
    assert.equal((await users.json()).users[0].role, "Admin");
    first.child.kill("SIGTERM");
    assert.equal((await first.child.status).code, 0);
    const second = await startServer({ dataDir: first.dataDir });
    try {
      assert.equal(second.token, null);
      assert.ok(!second.output().includes("drls_"));
      const again = await fetch(`${second.url}/api/users`, { headers });
      assert.equal(again.status, 200);
      await again.body?.cancel();
    } finally {
      await second.dispose();
    }
    assert.ok(!first.errors().includes(first.token), "a token must not reach the log");
  } finally {
    await first.dispose();
  }
});

Deno.test("a given bootstrap token works and is not printed", async () => {
  const token = "bootstrap-token-of-a-test";
  const server = await startServer({ env: { DRLS_BOOTSTRAP_TOKEN: token } });
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${server.url}/api/tables`, { headers });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { namespaces: [], tables: [] });
    assert.ok(!(server.output() + server.errors()).includes(token));
  } finally {
    await server.dispose();
  }
});

Deno.test("a bootstrap token that came after the first start is told to have no effect", async () => {
  const first = await startServer({ env: { DRLS_BOOTSTRAP_TOKEN: "first-bootstrap-token" } });
  try {
    const restart = async (token: string) => {
      const env = { DRLS_BOOTSTRAP_TOKEN: token };
      const again = await startServer({ dataDir: first.dataDir, env });
      const output = again.output();
      await again.dispose();
      return output;
    };
    first.child.kill("SIGTERM");
    await first.child.status;
    const tooLate = await restart("second-bootstrap-token");
    assert.match(tooLate, /DRLS_BOOTSTRAP_TOKEN has no effect.+ deno task token --user admin\n/);
    assert.ok(!tooLate.includes("second-bootstrap-token"));
    // A container keeps its environment over restarts: that is no reason for a warning.
    assert.ok(!(await restart("first-bootstrap-token")).includes("no effect"));
  } finally {
    await first.dispose();
  }
});

Deno.test("a catalog out of reach is in the log before anybody asks for it", async () => {
  const server = await startServer({ env: { DRLS_WAREHOUSE: "/nowhere/at/all" } });
  try {
    const told = () => Promise.resolve(/"Health check failed".+catalog/.test(server.errors()));
    await eventually(told);
  } finally {
    await server.dispose();
  }
});

Deno.test("wrong settings stop the start with a message that names them", async () => {
  const server = await spawnServer({ env: { PORT: "http", DRLS_AUTHN: "off" } });
  try {
    assert.equal((await server.child.status).code, 1);
    await server.dispose();
    assert.match(server.errors(), /PORT is "http": expected a whole number/);
    assert.match(server.errors(), /DRLS_AUTHN is not a setting of drls\. Did you mean DRLS_AUTH\?/);
    assert.ok(!server.errors().includes("    at "), "no stack for a mistake of the operator");
  } finally {
    await server.dispose();
  }
});

Deno.test("a taken port stops the start before a token is made", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = await spawnServer({ env: { PORT: String(listener.addr.port) } });
  try {
    assert.equal((await server.child.status).code, 1);
    assert.match(
      server.errors(),
      /Cannot listen on 127\.0\.0\.1:\d+: another program uses the port/,
    );
    assert.equal(server.output(), "");
  } finally {
    listener.close();
    await server.dispose();
  }
});

Deno.test("SIGTERM answers the request under way, takes no new one and exits with 0", async () => {
  const server = await startServer();
  try {
    const slow = slowRequest(server.url, server.token ?? "");
    await slow.arrived();
    server.child.kill("SIGTERM");
    await eventually(() => isStopping(server.url));
    const headers = { authorization: `Bearer ${server.token}` };
    const late = await fetch(`${server.url}/api/tables`, { headers });
    assert.equal(late.status, 503);
    assert.equal((await late.json()).code, "server_stopping");
    assert.ok(late.headers.has("retry-after"));
    slow.release();
    const answer = await slow.answer;
    assert.equal(answer.status, 201);
    assert.equal((await answer.json()).name, "slow");
    assert.equal((await server.child.status).code, 0);
    assert.match(server.errors(), /"drained":true/);
  } finally {
    await server.dispose();
  }
});

Deno.test("a request that never ends delays the stop by DRLS_SHUTDOWN_MS at most", async () => {
  const server = await startServer({ env: { DRLS_SHUTDOWN_MS: "300" } });
  try {
    const slow = slowRequest(server.url, server.token ?? "");
    await slow.arrived();
    const stoppedAt = performance.now();
    server.child.kill("SIGTERM");
    const answer = await slow.answer;
    assert.equal(answer.status, 503);
    assert.equal((await answer.json()).code, "body_broke_off");
    assert.equal((await server.child.status).code, 0);
    assert.ok(performance.now() - stoppedAt < 5000);
    assert.match(server.errors(), /"drained":false/);
  } finally {
    await server.dispose();
  }
});

Deno.test("a second signal ends the server at once", async () => {
  const server = await startServer({ env: { DRLS_SHUTDOWN_MS: "60000" } });
  try {
    const slow = slowRequest(server.url, server.token ?? "");
    await slow.arrived();
    server.child.kill("SIGTERM");
    await eventually(() => isStopping(server.url));
    server.child.kill("SIGINT");
    await assert.rejects(slow.answer);
    assert.equal((await server.child.status).code, 1);
  } finally {
    await server.dispose();
  }
});

Deno.test("with DRLS_AUTH=off the operator is warned and everybody is an Admin", async () => {
  const server = await startServer({ env: { DRLS_AUTH: "off" } });
  try {
    const response = await fetch(`${server.url}/api/users`);
    assert.equal(response.status, 200);
    await response.body?.cancel();
    assert.match(server.output(), /Authentication is off/);
    const foreign = await fetch(`${server.url}/api/users`, {
      headers: { origin: "https://evil.example.com" },
    });
    assert.equal(foreign.status, 403);
    await foreign.body?.cancel();
  } finally {
    await server.dispose();
  }
});
