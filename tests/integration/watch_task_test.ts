/** `deno task watch` against a server that drops its connections. */
import assert from "node:assert/strict";
import { pipelineMetrics } from "../support/pipeline_metrics.ts";

const TASK = new URL("../../tasks/watch.ts", import.meta.url).pathname;

/** What the server says on each connection, and how it ends it. */
const CONNECTIONS = [
  { versions: [1, 2], code: 1001 },
  { versions: [2, 1, 3], code: 4404 },
];

Deno.test("watch shows each change once, also where the server says it again", async () => {
  const sinces: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/api/session/ticket") return Response.json({ ticket: "t" });
    const connection = CONNECTIONS[sinces.length];
    sinces.push(url.searchParams.get("since"));
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.addEventListener("open", () => {
      for (const version of connection?.versions ?? []) {
        const metrics = pipelineMetrics({ version, batches_processed: version });
        socket.send(JSON.stringify(metrics));
      }
      socket.close(connection?.code ?? 4404);
    });
    return response;
  });
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", TASK, "--url", `http://127.0.0.1:${server.addr.port}`],
    stdout: "piped",
  }).output();
  await server.shutdown();
  const shown = new TextDecoder().decode(stdout).trim().split("\n");
  assert.deepEqual(shown.map((line) => /(\d+) batches/.exec(line)?.[1]), ["1", "2", "3"]);
  assert.equal(code, 1);
  assert.deepEqual(sinces, [null, pipelineMetrics().at]);
});
