/** An Iceberg REST server on loopback that does what a test tells it to. */

/** What a request was. */
export interface SeenRequest {
  readonly method: string;
  /** As sent, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: string;
}

/** Answers a request; null leaves it to the next handler, and in the end to a 404. */
export type Handler = (request: SeenRequest) => Response | Promise<Response> | null;

/** A running fake. */
export interface FakeRestCatalog extends AsyncDisposable {
  readonly uri: string;
  readonly seen: readonly SeenRequest[];
  /** Paths of the requests so far, without queries. */
  paths(): readonly string[];
}

/** A JSON answer. */
export function json(body: unknown, init: ResponseInit = {}): Response {
  return Response.json(body, init);
}

/** An error as the REST specification has it. */
export function restError(status: number, type: string, message = "made up"): Response {
  return json({ error: { message, type, code: status } }, { status });
}

/** Serves a configuration, and namespaces and tables by what `tables` holds (`a.b.t`). */
export function serveTables(tables: readonly string[], config: unknown = {}): Handler {
  const split = tables.map((name) => name.split("."));
  return ({ path, query }) => {
    if (path === "/v1/config") return json({ defaults: {}, overrides: {}, ...Object(config) });
    const prefix = /^\/v1\/namespaces(?:\/([^/]+)\/tables(?:\/(.+))?)?$/.exec(path);
    if (prefix === null) return null;
    const [, encoded, table] = prefix;
    if (encoded === undefined) {
      const parent = (query.get("parent") ?? "").split("\x1f").filter((level) => level !== "");
      const children = split
        .map((levels) => levels.slice(0, -1))
        .filter((levels) => levels.length > parent.length)
        .filter((levels) => parent.every((level, index) => levels[index] === level))
        .map((levels) => levels.slice(0, parent.length + 1).join("\x1f"));
      return json({ namespaces: [...new Set(children)].map((name) => name.split("\x1f")) });
    }
    const namespace = decodeURIComponent(encoded).split("\x1f");
    const inside = split.filter((levels) =>
      levels.slice(0, -1).join("\x1f") === namespace.join("\x1f")
    );
    if (table === undefined) {
      const identifiers = inside.map((levels) => ({ namespace, name: levels.at(-1) }));
      return json({ identifiers });
    }
    const exists = inside.some((levels) => levels.at(-1) === decodeURIComponent(table));
    if (!exists) return restError(404, "NoSuchTableException");
    return json({ "metadata-location": `s3://lake/${table}/metadata/1.json`, metadata: {} });
  };
}

/** Starts a fake; the first handler that answers wins. */
export function startFakeRestCatalog(...handlers: readonly Handler[]): FakeRestCatalog {
  const seen: SeenRequest[] = [];
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    const url = new URL(request.url);
    const { method, headers } = request;
    const body = await request.text();
    const entry = { method, path: url.pathname, query: url.searchParams, headers, body };
    seen.push(entry);
    for (const handler of handlers) {
      const response = await handler(entry);
      if (response !== null) return response;
    }
    return restError(404, "NotFoundException");
  });
  return {
    uri: `http://127.0.0.1:${server.addr.port}`,
    seen,
    paths: () => seen.map((request) => request.path),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
