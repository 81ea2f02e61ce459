/** The rest catalog against a server on loopback: listing, locating, configuration, paging. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { formatIdentifier } from "../../lib/iceberg/ports.ts";
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import {
  json,
  restError,
  serveTables,
  startFakeRestCatalog,
} from "../support/fake_rest_catalog.ts";

function open(
  uri: string,
  extraProps: Record<string, string> = {},
  warehouse: string | null = null,
) {
  const config = { type: "rest", name: "drls", warehouse, uri, extraProps } as const;
  return openCatalog(config, {
    dataDir: null,
    storageRoots: [],
    http: { sleep: () => Promise.resolve() },
  });
}

const names = async (catalog: Catalog) => (await catalog.listTables()).map(formatIdentifier);

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("RestCatalog lists nested namespaces and their tables", async () => {
  const tables = ["a.b.deep", "a.t", "z.t2", "z.t1"];
  await using server = startFakeRestCatalog(serveTables(tables));
  const catalog = open(server.uri);
  const [found, namespaces] = await Promise.all([names(catalog), catalog.listNamespaces()]);
  deepStrictEqual(found, ["a.b.deep", "a.t", "z.t1", "z.t2"]);
  deepStrictEqual(namespaces, [["a"], ["a", "b"], ["z"]]);
  const listings = server.seen.filter(({ path }) => path === "/v1/namespaces");
  strictEqual(listings.length, 4, "one for the top and one for each namespace");
  strictEqual(server.paths().filter((path) => path === "/v1/config").length, 1);
});

Deno.test("RestCatalog hands a table's answer on as received, and asks for vended credentials", async () => {
  const answer = '{"metadata-location": "s3://b/m.json", "metadata": {"id": 9223372036854775807}}';
  await using server = startFakeRestCatalog(
    ({ path }) => path === "/v1/namespaces/a%1Fb/tables/t%20x" ? new Response(answer) : null,
    serveTables([]),
  );
  const location = await open(server.uri).locate("a.b.t x");
  ok(location.kind === "rest");
  strictEqual(new TextDecoder().decode(location.response), answer);
  deepStrictEqual(location.identifier, { namespace: ["a", "b"], name: "t x" });
  const asked = server.seen.at(-1)?.headers.get("x-iceberg-access-delegation");
  strictEqual(asked, "vended-credentials");
});

Deno.test("RestCatalog finds levels that hold dots, the plain reading first", async () => {
  await using server = startFakeRestCatalog(
    ({ path }) => path === "/v1/namespaces/a.b/tables/t" ? json({}) : null,
    serveTables([]),
  );
  const catalog = open(server.uri);
  deepStrictEqual((await catalog.locate("a.b.t")).identifier, { namespace: ["a.b"], name: "t" });
  strictEqual(server.paths()[1], "/v1/namespaces/a%1Fb/tables/t");
  await rejects(catalog.locate("x.t"), isCode("table_not_found"));
  await rejects(catalog.locate("t"), isCode("table_not_found"));
});

Deno.test("RestCatalog merges defaults, its own properties and overrides, in that order", async () => {
  await using server = startFakeRestCatalog(
    ({ path }) => path.startsWith("/v1/pre/fix/") ? json({ namespaces: [] }) : null,
    serveTables([], {
      defaults: { "header.X-A": "default", "header.X-B": "default", "s3.region": "default" },
      overrides: { prefix: "pre/fix", "header.X-A": "override", "s3.path-style-access": true },
    }),
  );
  const catalog = open(server.uri, {
    "header.X-A": "own",
    "header.X-B": "own",
    "s3.endpoint": "http://store:9000",
    prefix: "not-this",
  }, "my warehouse");
  await catalog.listNamespaces();
  strictEqual(server.seen[0]?.query.get("warehouse"), "my warehouse");
  strictEqual(server.seen[0]?.headers.get("x-a"), "own");
  const listing = server.seen[1];
  strictEqual(listing?.path, "/v1/pre/fix/namespaces");
  deepStrictEqual([listing.headers.get("x-a"), listing.headers.get("x-b")], ["override", "own"]);
});

Deno.test("RestCatalog builds a table's storage from merged properties", async () => {
  await using server = startFakeRestCatalog(
    serveTables(["a.t"], {
      defaults: { "s3.region": "eu-north-1", "s3.endpoint": "http://theirs:9000" },
      overrides: { "s3.path-style-access": "true" },
    }),
  );
  const own = {
    "s3.access-key-id": "id",
    "s3.secret-access-key": "s",
    "s3.endpoint": "http://x:1/",
  };
  const { storage } = await open(server.uri, own).locate("a.t");
  deepStrictEqual(storage, {
    local: null,
    s3: {
      kind: "s3",
      endpoint: "http://x:1",
      region: "eu-north-1",
      pathStyle: true,
      credentials: { accessKeyId: "id", secretAccessKey: "s", sessionToken: null },
      roots: null,
    },
  });
});

Deno.test("RestCatalog separates namespace levels as the server wants", async () => {
  await using server = startFakeRestCatalog(
    ({ path }) => path === "/v1/namespaces/a.b/tables/t" ? json({}) : null,
    serveTables([], { overrides: { "namespace-separator": "%2E" } }),
  );
  const { identifier } = await open(server.uri).locate("a.b.t");
  deepStrictEqual(identifier, { namespace: ["a", "b"], name: "t" });
});

Deno.test("RestCatalog follows every page of every listing", async () => {
  const page = (items: readonly string[], token: string | null) => {
    const at = token === null || token === "" ? 0 : Number(token);
    const next = at + 2 < items.length ? { "next-page-token": String(at + 2) } : {};
    return { items: items.slice(at, at + 2), next };
  };
  await using server = startFakeRestCatalog(({ path, query }) => {
    if (path === "/v1/namespaces" && query.get("parent") === null) {
      const { items, next } = page(["n1", "n2", "n3"], query.get("pageToken"));
      return json({ namespaces: items.map((name) => [name]), ...next });
    }
    if (path === "/v1/namespaces") return json({ namespaces: [] });
    if (!path.endsWith("/tables")) return null;
    const namespace = [path.split("/")[3] ?? ""];
    const { items, next } = page(["t1", "t2", "t3", "t4", "t5"], query.get("pageToken"));
    return json({ identifiers: items.map((name) => ({ namespace, name })), ...next });
  }, serveTables([]));
  strictEqual((await names(open(server.uri, { "rest-page-size": "2" }))).length, 15);
  strictEqual(server.seen[1]?.query.get("pageToken"), "");
  strictEqual(server.seen[1]?.query.get("pageSize"), "2");
});

Deno.test("RestCatalog ends on a server that repeats a page for ever", async () => {
  await using server = startFakeRestCatalog(
    ({ path }) =>
      path === "/v1/namespaces" ? json({ namespaces: [["a"]], "next-page-token": "same" }) : null,
    serveTables([]),
  );
  await rejects(open(server.uri).listNamespaces(), isCode("catalog_too_large"));
});

Deno.test("RestCatalog ends on a server that ignores parent, and on one that invents children", async () => {
  await using ignores = startFakeRestCatalog(
    ({ path }) => path === "/v1/namespaces" ? json({ namespaces: [["a"], ["b"]] }) : null,
    serveTables([]),
  );
  deepStrictEqual(await open(ignores.uri).listNamespaces(), [["a"], ["b"]]);
  await using invents = startFakeRestCatalog(({ path, query }) => {
    if (path !== "/v1/namespaces") return null;
    const parent = (query.get("parent") ?? "").split("\x1f").filter((level) => level !== "");
    return json({ namespaces: [[...parent, "x"]] });
  }, serveTables([]));
  strictEqual((await open(invents.uri).listNamespaces()).length, 12);
});

Deno.test("RestCatalog passes over namespaces that are closed to it or gone, and flat servers", async () => {
  await using server = startFakeRestCatalog(({ path, query }) => {
    if (path === "/v1/namespaces/closed/tables") return restError(403, "ForbiddenException");
    if (path === "/v1/namespaces/gone/tables") return restError(404, "NoSuchNamespaceException");
    if (query.has("parent")) return restError(400, "BadRequestException");
    return null;
  }, serveTables(["closed.a", "gone.b", "open.c"]));
  deepStrictEqual(await names(open(server.uri)), ["open.c"]);
});

Deno.test("ping() reaches the namespaces too, and says what is wrong with an address", async () => {
  await using good = startFakeRestCatalog(serveTables([]));
  await open(good.uri).ping();
  deepStrictEqual(good.paths(), ["/v1/config", "/v1/namespaces"]);
  await using wrongPath = startFakeRestCatalog();
  await rejects(open(wrongPath.uri).ping(), (error) => {
    ok(error instanceof AppError && error.code === "catalog_not_found");
    return error.message.includes('"/v1/config"');
  });
  await using website = startFakeRestCatalog(() => new Response("<html>", { status: 200 }));
  await rejects(open(website.uri).ping(), isCode("catalog_answer_invalid"));
  await using moved = startFakeRestCatalog(() =>
    new Response(null, { status: 301, headers: { location: "http://127.0.0.1:1/" } })
  );
  await rejects(open(moved.uri, { token: "t" }).ping(), isCode("catalog_redirects"));
  strictEqual(moved.seen.length, 1);
});

Deno.test("RestCatalog keeps the configuration, and renews it on ping()", async () => {
  let prefix = "one";
  await using server = startFakeRestCatalog(
    ({ path }) => path.endsWith("/namespaces") ? json({ namespaces: [] }) : null,
    (request) => serveTables([], { overrides: { prefix } })(request),
  );
  const catalog = open(server.uri);
  await catalog.listNamespaces();
  prefix = "two";
  await catalog.listNamespaces();
  await catalog.ping();
  await catalog.listNamespaces();
  deepStrictEqual(server.paths(), [
    "/v1/config",
    "/v1/one/namespaces",
    "/v1/one/namespaces",
    "/v1/config",
    "/v1/two/namespaces",
    "/v1/two/namespaces",
  ]);
});
