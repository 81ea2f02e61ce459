import assert from "node:assert/strict";
import type { Principal } from "../../../lib/access/mod.ts";
import { openApiDocument } from "../../../routes/_document.ts";
import { ROUTES } from "../../../routes/mod.ts";
import { as, harness } from "./_harness.ts";

interface Operation {
  readonly operationId: string;
  readonly description: string;
  readonly security: readonly Record<string, unknown>[];
  readonly responses: Record<string, { content?: Record<string, unknown> }>;
  readonly "x-required-role"?: string;
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, { additionalProperties?: unknown }> };
}

async function fetchDocument(): Promise<Document> {
  const { app } = harness();
  const response = await app.request("/api/openapi.json", { headers: as("Auditor") });
  assert.equal(response.status, 200);
  return await response.json();
}

Deno.test("GET /api/openapi.json documents every route of the server", async () => {
  const { openapi, paths } = await fetchDocument();
  assert.equal(openapi, "3.1.0");
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assert.deepEqual(documented.sort(), ROUTES.map((r) => `${r.method} ${r.path}`).sort());
});

Deno.test("GET /api/openapi.json shows each route's role, as text and as a field", async () => {
  const { paths } = await fetchDocument();
  for (const route of ROUTES) {
    const operation = paths[route.path]?.[route.method.toLowerCase()];
    assert.ok(operation, route.operation);
    if (route.role === "public") {
      assert.deepEqual(operation.security, []);
      assert.equal(operation["x-required-role"], undefined);
    } else {
      assert.deepEqual(operation.security, [{ bearer: [] }, { session: [] }]);
      assert.equal(operation["x-required-role"], route.role);
      assert.ok(operation.description.includes(route.role));
    }
  }
});

Deno.test("GET /api/openapi.json documents the errors of every route as problems", async () => {
  const { paths } = await fetchDocument();
  for (const route of ROUTES) {
    const responses = paths[route.path]?.[route.method.toLowerCase()]?.responses ?? {};
    const expected = route.role === "public"
      ? [400, 422, 500, 503]
      : [400, 401, 403, 422, 429, 500, 503];
    if (route.body !== null) expected.push(413, 415);
    for (const status of expected) {
      const content = responses[status]?.content ?? {};
      assert.ok("application/problem+json" in content, `${route.operation} ${status}`);
    }
  }
});

Deno.test("GET /api/openapi.json closes request bodies and leaves answers open", async () => {
  const { components } = await fetchDocument();
  assert.equal(components.schemas.CreateUser?.additionalProperties, false);
  assert.equal(components.schemas.Problem?.additionalProperties, undefined);
  assert.ok("HealthReport" in components.schemas);
});

Deno.test("openApiDocument() refers only to what it defines", () => {
  const text = JSON.stringify(openApiDocument(ROUTES));
  const defined = new Set(Object.keys(JSON.parse(text).components.schemas));
  assert.deepEqual([...defined].filter((name) => /^_/.test(name)), [], "unnamed schemas");
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  assert.ok(references.length > 20);
  for (const [, name] of references) assert.ok(defined.has(name ?? ""), name);
});

Deno.test("openApiDocument() names each parameter of a path, and only those", () => {
  const { paths } = openApiDocument(ROUTES);
  for (const [path, item] of Object.entries(paths ?? {})) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
    for (
      const operation of Object.values(item) as { parameters?: { in: string; name: string }[] }[]
    ) {
      const inPath = (operation.parameters ?? []).filter((p) => p.in === "path");
      assert.deepEqual(inPath.map((p) => p.name).sort(), named, path);
    }
  }
});

Deno.test("GET /api/docs is a page that loads everything from this server", async () => {
  const { app } = harness();
  const response = await app.request("/api/docs", { headers: as("Auditor") });
  const html = await response.text();
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /script-src 'self';/);
  assert.ok(!/unsafe|https?:/.test(policy), policy);
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  assert.ok(sources.includes("data:,"), "browsers would ask for an icon");
  assert.equal(sources.length, 5);
  for (const source of sources.filter((source) => source !== "data:,")) {
    const file = await app.request(source, { headers: as("Auditor") });
    assert.equal(file.status, 200, source);
    assert.match(file.headers.get("content-type") ?? "", /^text\/(css|javascript)/);
    assert.ok((await file.text()).length > 100);
  }
  assert.ok(!/<script>|style=|\son\w+=/.test(html), "the policy would block it");
});

Deno.test("GET /api/docs shows who is signed in, and signs out of sessions only", async () => {
  const principal: Principal = {
    id: "u1",
    name: '<b title="x">&',
    role: "Auditor",
    credential: { kind: "session", sessionId: "s1" },
  };
  const session = harness({ access: { authenticateSession: () => Promise.resolve(principal) } });
  const headers = { cookie: "drls_session=x", "sec-fetch-site": "same-origin" };
  const page = await (await session.app.request("/api/docs", { headers })).text();
  assert.ok(page.includes("<span>&#60;b title=&#34;x&#34;&#62;&#38; (Auditor)</span>"), page);
  assert.ok(page.includes('id="sign-out"'));
  const byToken = await harness().app.request("/api/docs", { headers: as("Admin") });
  assert.ok(!(await byToken.text()).includes("sign-out"));
});

Deno.test("GET /api/docs/{file} serves the files of the page and no others", async () => {
  const { app } = harness();
  for (const file of ["x.js", "..%2f..%2fdeno.json", "swagger-ui.js.map"]) {
    const response = await app.request(`/api/docs/${file}`, { headers: as("Auditor") });
    assert.equal(response.status, 422, file);
  }
  assert.equal((await app.request("/api/docs/swagger-ui.css")).status, 401);
});

Deno.test("GET /api/docs offers a browser without session a sign-in form as its 401", async () => {
  const { app } = harness();
  const browser = await app.request("/api/docs", { headers: { accept: "text/html,*/*" } });
  const html = await browser.text();
  assert.equal(browser.status, 401);
  assert.match(browser.headers.get("content-type") ?? "", /^text\/html/);
  assert.ok(browser.headers.has("www-authenticate"));
  assert.match(html, /<form>/);
  const program = await app.request("/api/docs");
  assert.equal(program.headers.get("content-type"), "application/problem+json");
});

Deno.test("the sign-in form runs only the script and style that its policy names", async () => {
  const { app } = harness();
  const response = await app.request("/api/docs", { headers: { accept: "text/html" } });
  const html = await response.text();
  const policy = response.headers.get("content-security-policy") ?? "";
  for (const tag of ["script", "style"]) {
    const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(html)?.[1] ?? "";
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const source = `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
    assert.ok(policy.includes(`${tag}-src '${source}'`), policy);
  }
  assert.ok(!policy.includes("unsafe"));
});
