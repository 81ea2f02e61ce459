/** Requests that no client library would send, byte by byte to a real socket. */
import assert from "node:assert/strict";
import { type ServerProcess, startServer } from "../support/server_process.ts";

const READ_TIMEOUT_MS = 5000;

/** Sends bytes as they are; resolves to everything that came back until the end or the timeout. */
async function raw(server: ServerProcess, text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const timer = setTimeout(() => connection.close(), READ_TIMEOUT_MS);
  try {
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text();
  } catch (error) {
    return `closed: ${error}`;
  } finally {
    clearTimeout(timer);
  }
}

function statusOf(answer: string): number | null {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  return status === undefined ? null : Number(status);
}

Deno.test("no request line and no host makes the server fail", async (t) => {
  const server = await startServer();
  const authorization = `Authorization: Bearer ${server.token}`;
  try {
    const hosts = [
      "[bad",
      "a b",
      "a:99999",
      "",
      "http://x",
      "ä",
      "a/b",
      "user@host",
      "%00",
      "::",
      "x?y",
      "x#y",
    ];
    for (const host of hosts) {
      await t.step(`Host: ${host}`, async () => {
        const head = `GET /api/tables HTTP/1.1\r\nHost: ${host}\r\n${authorization}\r\n`;
        const answer = await raw(server, `${head}Connection: close\r\n\r\n`);
        const status = statusOf(answer);
        // Without a name and with an internationalised one there still is a URL.
        const expected = host === "" || host === "ä" ? 200 : 400;
        assert.equal(status, expected, answer.slice(0, 500));
      });
    }
    const targets: Record<string, number> = {
      "/api/table/%ff.x/schema": 404,
      "/api/table/%zz/schema": 404,
      "//api/health": 404,
      "/api/health?%": 422,
      "/api/tables?limit=%ff": 422,
      "/api/tables?__proto__=1": 422,
      "/api/tables?constructor=1": 422,
      "/api/../api/health": 404,
      "/api/%2e%2e/metrics": 404,
      [`/api/table/${"a.".repeat(2000)}a/schema`]: 422,
      [`/api/table/${"a ".repeat(500)}/schema`.replaceAll(" ", "%20")]: 422,
    };
    for (const [target, expected] of Object.entries(targets)) {
      await t.step(target.slice(0, 60), async () => {
        const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n`;
        const answer = await raw(server, `${head}Connection: close\r\n\r\n`);
        assert.equal(statusOf(answer), expected, answer.slice(0, 500));
      });
    }
    await t.step("the server still answers, and logged no failure", async () => {
      const response = await fetch(`${server.url}/api/health`);
      assert.equal(response.status, 200);
      await response.body?.cancel();
      assert.ok(!server.errors().includes('"level":"error"'), server.errors());
    });
  } finally {
    await server.dispose();
  }
});

Deno.test("a client that breaks off inside its body leaves no failure in the log", async () => {
  const server = await startServer();
  try {
    const { hostname, port } = new URL(server.url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const head =
      `POST /api/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na';
    await connection.write(new TextEncoder().encode(head));
    await new Promise((resolve) => setTimeout(resolve, 100));
    connection.close();
    const giveUpAt = performance.now() + READ_TIMEOUT_MS;
    while (!server.errors().includes('"/api/users"') && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(server.errors(), /Request cancelled/);
    assert.ok(!server.errors().includes('"level":"error"'), server.errors());
  } finally {
    await server.dispose();
  }
});
