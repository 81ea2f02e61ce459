/** The sql catalog over a remote libSQL server, here one that knows a single row. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { openCatalog } from "../../lib/catalog/mod.ts";

const COLUMNS = ["catalog_name", "table_namespace", "table_name", "metadata_location"];
const ROW = ["shared", "db", "t", "s3://lake/db/t/metadata/00001-x.metadata.json"];

/** Answers every statement of libSQL's HTTP protocol with one row. */
function startFake(before: () => Promise<void> = () => Promise.resolve()) {
  const seen: { authorization: string | null; body: string }[] = [];
  const result = {
    cols: COLUMNS.map((name) => ({ name })),
    rows: [ROW.map((value) => ({ type: "text", value }))],
    affected_row_count: 0,
    last_insert_rowid: null,
  };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const body = await request.text();
      seen.push({ authorization: request.headers.get("authorization"), body });
      await before();
      const { requests } = JSON.parse(body) as { requests: { type: string }[] };
      const results = requests.map(({ type }) => ({
        type: "ok",
        response: type === "execute" ? { type, result } : { type },
      }));
      return Response.json({ baton: null, base_url: null, results });
    },
  );
  return { seen, server, uri: `http://127.0.0.1:${server.addr.port}` };
}

function open(uri: string) {
  const extraProps = { token: "hunter2", "jdbc.catalog-name": "shared" };
  const config = { type: "sql", name: "drls", warehouse: "s3://lake", uri, extraProps } as const;
  return openCatalog(config, { dataDir: null, storageRoots: [] });
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("SqlCatalog reads from a remote server with its token and the shared catalog name", async () => {
  const { seen, server, uri } = startFake();
  const catalog = open(uri);
  await catalog.ping();
  deepStrictEqual(await catalog.listTables(), [{ namespace: ["db"], name: "t" }]);
  const location = await catalog.locate("db.t");
  ok(location.kind === "file");
  strictEqual(location.metadataLocation, ROW[3]);
  strictEqual(location.storage.s3?.roots?.[0], "s3://lake");
  ok(seen.every(({ authorization }) => authorization === "Bearer hunter2"));
  ok(seen.every(({ body }) => body.includes("shared")));
  await catalog.close();
  await server.shutdown();
});

Deno.test("SqlCatalog lets a caller go while a remote server is silent", async () => {
  const gate = Promise.withResolvers<void>();
  const { server, uri } = startFake(() => gate.promise);
  const catalog = open(uri);
  await rejects(catalog.ping({ signal: AbortSignal.timeout(30) }), isCode("deadline_exceeded"));
  gate.resolve();
  await server.shutdown();
  await catalog.close();
});

Deno.test("a remote server that is away is unavailable and worth another try", async () => {
  const { server, uri } = startFake();
  await server.shutdown();
  await rejects(open(uri).ping(), (error) => {
    ok(error instanceof AppError && error.kind === "unavailable" && error.retryable);
    return !error.message.includes("hunter2") && !error.message.includes("SELECT");
  });
});
