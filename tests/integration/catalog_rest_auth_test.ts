/** How the rest catalog proves who it is, and what it does when it is not believed. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { AppError, flattenError } from "../../lib/errors.ts";
import { openCatalog } from "../../lib/catalog/mod.ts";
import {
  type Handler,
  json,
  restError,
  type SeenRequest,
  serveTables,
  startFakeRestCatalog,
} from "../support/fake_rest_catalog.ts";
import { fakeRestTables } from "../support/fake_rest_tables.ts";
import { definitionOf } from "../support/writable_tables.ts";

const TOKENS = "/v1/oauth/tokens";

function open(uri: string, extraProps: Record<string, string>, clock = { now: () => 0 }) {
  const config = { type: "rest", name: "drls", warehouse: null, uri, extraProps } as const;
  const http = { sleep: () => Promise.resolve() };
  return openCatalog(config, { dataDir: null, storageRoots: [], clock, http });
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

/** Gives out `token-1`, `token-2`, ... and lets nobody in without the last one. */
function guarded(
  expiresInSeconds: number | null = 3600,
): { handler: Handler; issued: () => number } {
  let issued = 0;
  const handler: Handler = ({ path, headers }) => {
    if (path === TOKENS) {
      issued++;
      const expiry = expiresInSeconds === null ? {} : { expires_in: expiresInSeconds };
      return json({ access_token: `token-${issued}`, token_type: "bearer", ...expiry });
    }
    const isValid = headers.get("authorization") === `Bearer token-${issued}`;
    return isValid ? null : restError(401, "NotAuthorizedException");
  };
  return { handler, issued: () => issued };
}

Deno.test("a fixed token is sent with every request", async () => {
  await using server = startFakeRestCatalog(serveTables(["a.t"]));
  await open(server.uri, { token: "fixed" }).listTables();
  ok(server.seen.length > 2);
  ok(server.seen.every(({ headers }) => headers.get("authorization") === "Bearer fixed"));
});

Deno.test("client credentials get one token for many requests", async () => {
  const { handler, issued } = guarded();
  await using server = startFakeRestCatalog(handler, serveTables(["a.t", "b.t"]));
  const catalog = open(server.uri, { credential: "my-id:my:secret", scope: "lake", audience: "x" });
  await Promise.all([catalog.listTables(), catalog.listNamespaces(), catalog.locate("a.t")]);
  await catalog.ping();
  strictEqual(issued(), 1);
  const request = server.seen.find(({ path }) => path === TOKENS);
  deepStrictEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
    grant_type: "client_credentials",
    client_id: "my-id",
    client_secret: "my:secret",
    scope: "lake",
    audience: "x",
  });
  strictEqual(request?.headers.get("authorization"), null);
});

Deno.test("a credential without an id is a bare secret, with the scope of the specification", async () => {
  const { handler } = guarded();
  await using server = startFakeRestCatalog(handler, serveTables([]));
  await open(server.uri, { credential: "only-secret" }).listTables();
  const body = new URLSearchParams(server.seen[0]?.body);
  deepStrictEqual([body.get("client_id"), body.get("client_secret")], [null, "only-secret"]);
  strictEqual(body.get("scope"), "catalog");
});

Deno.test("a token is renewed before it expires", async () => {
  let now = 0;
  const { handler, issued } = guarded(600);
  await using server = startFakeRestCatalog(handler, serveTables([]));
  const catalog = open(server.uri, { credential: "a:b" }, { now: () => now });
  await catalog.listTables();
  now = 539_000;
  await catalog.listTables();
  strictEqual(issued(), 1);
  now = 541_000;
  await catalog.listTables();
  strictEqual(issued(), 2);
});

Deno.test("a short-lived token is not renewed for every request", async () => {
  let now = 0;
  const { handler, issued } = guarded(40);
  await using server = startFakeRestCatalog(handler, serveTables([]));
  const catalog = open(server.uri, { credential: "a:b" }, { now: () => now });
  for (now = 0; now < 30_000; now += 5_000) await catalog.listTables();
  strictEqual(issued(), 1);
  now = 31_000;
  await catalog.listTables();
  strictEqual(issued(), 2);
});

Deno.test("a token that cannot be renewed early serves until it expires", async () => {
  let now = 0;
  let down = false;
  const { handler } = guarded(600);
  await using server = startFakeRestCatalog(
    ({ path }) => down && path === TOKENS ? restError(400, "invalid_client") : null,
    handler,
    serveTables([]),
  );
  const catalog = open(server.uri, { credential: "a:b" }, { now: () => now });
  await catalog.listTables();
  [now, down] = [550_000, true];
  await catalog.listTables();
  now = 600_000;
  await rejects(catalog.listTables(), isCode("catalog_credential_refused"));
});

Deno.test("a refused token is replaced once, and the request repeated", async () => {
  const { handler, issued } = guarded();
  let revoked = false;
  await using server = startFakeRestCatalog(
    ({ path, headers }) => {
      const isOld = headers.get("authorization") === "Bearer token-1";
      return revoked && path !== TOKENS && isOld ? restError(401, "NotAuthorizedException") : null;
    },
    handler,
    serveTables(["a.t"]),
  );
  const catalog = open(server.uri, { credential: "a:b" });
  await catalog.listTables();
  revoked = true;
  strictEqual((await catalog.listTables()).length, 1);
  strictEqual(issued(), 2);
});

Deno.test("a catalog that refuses every token is an error after one repetition", async () => {
  await using server = startFakeRestCatalog(
    ({ path }) => path === TOKENS ? json({ access_token: crypto.randomUUID() }) : null,
    () => restError(401, "NotAuthorizedException"),
  );
  await rejects(open(server.uri, { credential: "a:b" }).ping(), isCode("catalog_unauthorized"));
  strictEqual(server.seen.filter(({ path }) => path === "/v1/config").length, 2);
  await using fixed = startFakeRestCatalog(() => restError(401, "NotAuthorizedException"));
  await rejects(open(fixed.uri, { token: "t" }).ping(), isCode("catalog_unauthorized"));
  strictEqual(fixed.seen.length, 1);
});

Deno.test("a first token is used until it is refused, then the credential takes over", async () => {
  const { handler, issued } = guarded();
  await using server = startFakeRestCatalog(handler, serveTables(["a.t"]));
  const catalog = open(server.uri, { token: "stale", credential: "a:b" });
  strictEqual((await catalog.listTables()).length, 1);
  strictEqual(issued(), 1);
});

Deno.test("many requests that wait for a token ask for it once, and one may give up", async () => {
  const gate = Promise.withResolvers<void>();
  const { handler, issued } = guarded();
  await using server = startFakeRestCatalog(async (request) => {
    if (request.path === TOKENS) await gate.promise;
    return await handler(request) ?? serveTables(["a.t"])(request) ?? restError(404, "x");
  });
  const catalog = open(server.uri, { credential: "a:b" });
  const patient = [catalog.locate("a.t"), catalog.listTables(), catalog.ping()];
  await rejects(catalog.locate("a.t", { signal: AbortSignal.timeout(30) }), AppError);
  gate.resolve();
  await Promise.all(patient);
  strictEqual(issued(), 1);
});

Deno.test("tokens come from oauth2-server-uri, ours or the one the server names", async () => {
  const { handler, issued } = guarded();
  await using login = startFakeRestCatalog(({ path, ...request }) =>
    path === "/realm/token" ? handler({ ...request, path: TOKENS }) : null
  );
  await using server = startFakeRestCatalog(serveTables([]));
  const own = { credential: "a:b", "oauth2-server-uri": `${login.uri}/realm/token` };
  await open(server.uri, own).listTables();
  strictEqual(issued(), 1);
  strictEqual(server.seen[0]?.headers.get("authorization"), "Bearer token-1");
});

Deno.test("a token among the server's overrides wins over ours", async () => {
  const config = { overrides: { token: "theirs" } };
  await using server = startFakeRestCatalog(serveTables([], config));
  await open(server.uri, { token: "ours" }).listNamespaces();
  const sent = server.seen.map(({ headers }) => headers.get("authorization"));
  deepStrictEqual(sent, ["Bearer ours", "Bearer theirs"]);
});

Deno.test("requests are signed where rest.sigv4-enabled asks for it", async () => {
  await using server = startFakeRestCatalog(serveTables([]));
  const catalog = open(server.uri, {
    "rest.sigv4-enabled": "true",
    "rest.signing-name": "glue",
    "rest.signing-region": "eu-west-1",
    "rest.access-key-id": "AKIDEXAMPLE",
    "rest.secret-access-key": "secret",
    "rest.session-token": "session",
  });
  await catalog.listNamespaces();
  for (const { headers } of server.seen) {
    const authorization = headers.get("authorization") ?? "";
    ok(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/glue\//.test(authorization));
    strictEqual(headers.get("x-amz-security-token"), "session");
  }
});

/** The signature that a request must have (AWS Signature Version 4), by hand. */
function signatureOf({ method, path, query, headers, body }: SeenRequest, secret: string): string {
  const [, scope = "", signed = ""] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.get("authorization") ?? "") ??
      [];
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const hmac = (key: string | Uint8Array, text: string) =>
    createHmac("sha256", key).update(text).digest();
  const canonical = [
    method,
    path.split("/").map(encodeURIComponent).join("/"),
    query.toString(),
    ...signed.split(";").map((name) => `${name}:${headers.get(name)}`),
    "",
    signed,
    sha256(body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers.get("x-amz-date"), scope, sha256(canonical)];
  const key = scope.split("/").reduce<string | Uint8Array>(hmac, `AWS4${secret}`);
  return createHmac("sha256", key).update(toSign.join("\n")).digest("hex");
}

Deno.test("changes are signed with their bodies where rest.sigv4-enabled asks for it", async () => {
  const tables = fakeRestTables();
  await using server = startFakeRestCatalog(tables.handler);
  const catalog = open(server.uri, {
    "rest.sigv4-enabled": "true",
    "rest.signing-name": "glue",
    "rest.signing-region": "eu-west-1",
    "rest.access-key-id": "AKIDEXAMPLE",
    "rest.secret-access-key": "secret",
  });
  await catalog.createTable(definitionOf("a.t"));
  const changes = server.seen.filter(({ method }) => method === "POST");
  strictEqual(changes.length, 3);
  for (const change of changes) {
    const signature = /Signature=(\w+)/.exec(change.headers.get("authorization") ?? "")?.[1];
    strictEqual(signature, signatureOf(change, "secret"));
    ok(signature !== signatureOf({ ...change, body: `${change.body} ` }, "secret"));
  }
});

Deno.test("signing without a key is refused when the catalog is opened", () => {
  try {
    open("http://127.0.0.1:1", { "rest.sigv4-enabled": "true" });
    throw new Error("Opened a catalog that cannot sign");
  } catch (error) {
    ok(isCode("catalog_config_invalid")(error));
  }
});

Deno.test("no secret is in an error, whatever the server answers", async () => {
  const secrets = ["hunter2-secret", "hunter2-token"];
  const extraProps = { credential: "id:hunter2-secret" };
  const answers: Handler[] = [
    () => new Response("<html>down</html>", { status: 502 }),
    () => restError(400, "invalid_client"),
    () => json({ access_token: "hunter2-token", expires_in: "soon" }),
    () => json({ id_token: "hunter2-token" }),
    ({ path }) =>
      path === TOKENS ? json({ access_token: "hunter2-token" }) : restError(401, "NotAuthorized"),
  ];
  for (const answer of answers) {
    await using server = startFakeRestCatalog(answer);
    const failure = await open(server.uri, extraProps).ping().then(
      () => null,
      (error: unknown) => JSON.stringify(flattenError(error)),
    );
    ok(failure !== null);
    for (const secret of secrets) ok(!failure.includes(secret), failure);
  }
});

Deno.test("a server cannot have the credential of another login sent to itself", async () => {
  await using login = startFakeRestCatalog(({ path }) =>
    path === "/login" ? json({ access_token: "token-1", expires_in: 3600 }) : null
  );
  await using server = startFakeRestCatalog(
    (request) =>
      request.path === "/v1/config"
        ? json({ overrides: { "oauth2-server-uri": `${server.uri}/steal`, scope: "more" } })
        : null,
    serveTables(["a.t"]),
  );
  const catalog = open(server.uri, {
    credential: "id:hunter2",
    "oauth2-server-uri": `${login.uri}/login`,
  });
  strictEqual((await catalog.listTables()).length, 1);
  ok(login.paths().length > 0);
  ok(server.seen.every(({ path, body }) => path !== "/steal" && !body.includes("hunter2")));
});

Deno.test("a server cannot send us to files or to no address at all", async () => {
  for (const uri of ["file:///etc/hostname#", "data:,{}#", "catalog", ""]) {
    await using server = startFakeRestCatalog(serveTables(["a.t"], { overrides: { uri } }));
    const catalog = open(server.uri, {});
    await rejects(catalog.listTables(), isCode("catalog_address_invalid"), uri);
    await rejects(catalog.locate("a.t"), isCode("catalog_address_invalid"), uri);
  }
});
