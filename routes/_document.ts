/** The OpenAPI 3.1 document, generated from the declarations that the server runs on. */
import type { z } from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import type { ErrorKind } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import { Problem, problemShape } from "./_problem.ts";
import type { Answer, Method, Route } from "./_route.ts";
import { SECURE_SESSION_COOKIE, SESSION_COOKIE } from "./_session_cookie.ts";
import { TAGS } from "./_tags.ts";

/** The document as plain data. */
export type OpenApiDocument = ReturnType<typeof createDocument>;

const METHOD_KEYS = {
  GET: "get",
  POST: "post",
  PUT: "put",
  PATCH: "patch",
  DELETE: "delete",
} as const satisfies Record<Method, string>;

const REQUEST_ID_HEADER = {
  "X-Request-Id": {
    description: "Id of the request in the log; one that the client sent is kept",
    schema: { type: "string" },
  },
} as const;

/** Generates the document about `routes`. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [METHOD_KEYS[route.method]]: operation(route) };
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "drls",
      version: VERSION,
      description: "A lakehouse server over Iceberg tables. Errors are RFC 9457 problem documents.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "This server" }],
    tags: [...TAGS],
    paths,
    components: { securitySchemes: SECURITY_SCHEMES },
  }, { override: allowNewFields });
}

/** Kinds of errors that a route may answer with: its own and those of its form. */
export function errorKinds(route: Route): ReadonlySet<ErrorKind> {
  const kinds = new Set<ErrorKind>(["internal", "unavailable", ...route.errors ?? []]);
  // Any request can come under a malformed URL, or with a parameter that the route does not have.
  kinds.add("malformed").add("invalid");
  if (route.role !== "public") {
    for (const kind of ["unauthenticated", "forbidden", "rate_limited"] as const) kinds.add(kind);
  }
  if (route.body !== null || route.stream !== undefined) {
    for (const kind of ["too_large", "unsupported_media_type"] as const) {
      kinds.add(kind);
    }
  }
  return kinds;
}

/** Statuses that a route may answer with, as its document says. */
export function documentedStatuses(route: Route): ReadonlySet<number> {
  const errors = [...errorKinds(route)].map((kind) => problemShape(kind).status);
  return new Set([...answersOf(route).map(({ status }) => status), ...errors]);
}

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "An API token (`POST /api/tokens`), or a JWT of the configured issuer",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: SESSION_COOKIE,
    description: "For browsers: `POST /api/session` sets it, bound to the origin of the page. " +
      `Over HTTPS its name is \`${SECURE_SESSION_COOKIE}\``,
  },
} as const;

function operation(route: Route): ZodOpenApiOperationObject {
  const open = route.role === "public";
  const access = open ? "Open to anybody." : `Min role: **${route.role}**.`;
  const params = asObject(route.params);
  const query = asObject(route.query);
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    description: [access, route.description].filter((text) => text !== undefined).join("\n\n"),
    security: open ? [] : [{ bearer: [] }, { session: [] }],
    ...(open ? {} : { "x-required-role": route.role }),
    requestParams: {
      ...(params === null ? {} : { path: params }),
      ...(query === null ? {} : { query }),
      ...(route.headers === undefined ? {} : { header: route.headers }),
    },
    ...requestBody(route),
    responses: responses(route),
  };
}

function requestBody({ body, stream }: Route): Pick<ZodOpenApiOperationObject, "requestBody"> {
  if (body !== null) {
    const content = { "application/json": { schema: body.schema } };
    return { requestBody: { required: true, content } };
  }
  if (stream === undefined) return {};
  const { description, mediaTypes } = stream;
  const content = Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, {}]));
  return { requestBody: { required: true, description, content } };
}

function answersOf({ answer, otherAnswers = [] }: Route): readonly Answer[] {
  return [answer, ...otherAnswers];
}

function responses(route: Route): ZodOpenApiOperationObject["responses"] {
  const all: Record<string, ZodOpenApiResponseObject> = Object.fromEntries(
    answersOf(route).map((answer) => [answer.status, success(answer)]),
  );
  const byStatus = new Map<number, string[]>();
  for (const kind of errorKinds(route)) {
    const { status, title } = problemShape(kind);
    byStatus.set(status, [...byStatus.get(status) ?? [], title]);
  }
  for (const [status, titles] of byStatus) {
    const pages = status === 401 && route.signInPage !== undefined;
    all[status] = {
      description: titles.join("; "),
      headers: errorHeaders(status),
      content: {
        "application/problem+json": { schema: Problem },
        ...(pages ? { "text/html": { schema: { type: "string" } } } : {}),
      },
    };
  }
  return Object.fromEntries(
    Object.entries(all).map((
      [status, response],
    ) => [status as `${1 | 2 | 4 | 5}${string}`, response]),
  );
}

function success(answer: Answer): ZodOpenApiResponseObject {
  const { schema, mediaTypes = [], headers = {} } = answer;
  const content = {
    ...(schema === undefined ? {} : { "application/json": { schema } }),
    ...Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, contentOf(mediaType)])),
  };
  const own = Object.entries(headers).map(([name, description]) =>
    [name, { description, schema: { type: "string" as const } }] as const
  );
  return {
    description: answer.description,
    headers: { ...REQUEST_ID_HEADER, ...Object.fromEntries(own) },
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

/** Readers of the document hold each event of a stream to a schema, not the text; 3.1 has none for events. */
function contentOf(mediaType: string) {
  return mediaType === "text/event-stream" ? {} : { schema: { type: "string" as const } };
}

function errorHeaders(status: number) {
  const retry = {
    "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } },
  } as const;
  const challenge = {
    "WWW-Authenticate": { description: "How to authenticate", schema: { type: "string" } },
  } as const;
  const upgrade = {
    "Upgrade": { description: "`websocket`", schema: { type: "string" } },
  } as const;
  return {
    ...REQUEST_ID_HEADER,
    ...(status === 429 || status === 503 ? retry : {}),
    ...(status === 401 ? challenge : {}),
    ...(status === 426 ? upgrade : {}),
  };
}

/** The schema if it has any field: an empty one has nothing to document. */
function asObject(schema: z.ZodType): z.ZodObject | null {
  const shape = "shape" in schema ? schema as z.ZodObject : null;
  return shape === null || Object.keys(shape.shape).length === 0 ? null : shape;
}

/** Answers may gain fields without breaking a client, so only request bodies are closed. */
function allowNewFields(
  { jsonSchema, io }: { jsonSchema: { additionalProperties?: unknown }; io: "input" | "output" },
): void {
  if (io === "output" && jsonSchema.additionalProperties === false) {
    delete jsonSchema.additionalProperties;
  }
}
