/**
 * Routes as data. Each is declared once, with its role, its schemas and its answers: the server
 * validates with the declaration and the OpenAPI document is generated from it, so the two cannot
 * drift apart.
 */
import { z } from "zod";
import type { CallContext, Role } from "../lib/access/mod.ts";
import type { ErrorKind } from "../lib/errors.ts";
import type { Services } from "./services.ts";

/** Methods of the API. `HEAD` and `OPTIONS` follow from these. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call a route: the least role, or anybody. */
export type Access = Role | "public";

/** A successful answer. */
export interface Answer<A extends z.ZodType = z.ZodType> {
  /** 101 for a WebSocket, whose messages from the server the schema then describes. */
  readonly status: 101 | 200 | 201 | 202 | 204;
  readonly description: string;
  /** Schema of a JSON body; without it the handler returns a `Response`, or null for 204. */
  readonly schema?: A;
  /** Media types of a body without schema, or those beside JSON that the handler may return. */
  readonly mediaTypes?: readonly string[];
  /** Response headers worth documenting, name to description. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON request body. */
export interface BodySpec<B extends z.ZodType = z.ZodType> {
  readonly schema: B;
  /** Overrides the server's body limit. */
  readonly maxBytes?: number;
}

/** A request body that the handler reads itself, as it comes. */
export interface StreamSpec {
  /** Accepted `Content-Type`s, without parameters. */
  readonly mediaTypes: readonly string[];
  readonly description: string;
}

/** What a handler gets. */
export interface Call<P, Q, B> {
  readonly ctx: CallContext;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly request: Request;
  /** `Origin` of the request; where it has none, the request's own. */
  readonly origin: string;
  readonly services: Services;
  /** Every route of the running server, for the document about them. */
  readonly routes: readonly Route[];
}

/** The call of a public route: nobody is known to make it. */
export type PublicCall<P, Q, B> = Omit<Call<P, Q, B>, "ctx"> & {
  readonly requestId: string;
  readonly signal: AbortSignal;
};

/** What a route says about itself, beside its schemas. */
export interface RouteFacts {
  readonly method: Method;
  /** With parameters in braces: `/api/table/{table_name}/schema`. */
  readonly path: string;
  /** `operationId` of the OpenAPI document, camelCase. */
  readonly operation: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Kinds of errors beyond those that every route of its form has. */
  readonly errors?: readonly ErrorKind[];
  /** Overrides the server's request deadline; `operation` is that of table operations. */
  readonly timeoutMs?: number | "operation";
  /** Request headers that mean something here, for the document; the handler reads them. */
  readonly headers?: z.ZodObject;
  /** Successful answers beside `answer`. */
  readonly otherAnswers?: readonly Answer[];
  /** Instead of a JSON body; the handler takes it from `call.request`. */
  readonly stream?: StreamSpec;
  /** For pages: what a browser sees instead of the 401 problem. */
  readonly signInPage?: () => Promise<Response>;
}

/** A route with its types forgotten, as the server mounts it. */
export interface Route extends RouteFacts {
  readonly role: Access;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: BodySpec | null;
  readonly answer: Answer;
  /** Runs the handler on parsed input. */
  readonly handle: (call: ErasedCall) => Promise<unknown>;
}

/** A call before its types are known to the handler. */
export type ErasedCall = Omit<Call<unknown, unknown, unknown>, "ctx"> & {
  readonly ctx: CallContext | null;
  readonly requestId: string;
  readonly signal: AbortSignal;
};

type None = Record<string, never>;

/** Schemas of a route. What is left out is empty, and strict about it. */
export interface RouteSchemas<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  A extends z.ZodType,
> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: BodySpec<B>;
  readonly answer: Answer<A>;
}

type Handled<A extends z.ZodType> = z.infer<A> | Response | Promise<z.infer<A> | Response>;

const nothing = z.strictObject({});

/** Declares a route that needs a principal. */
export function route<
  P extends z.ZodType = z.ZodType<None>,
  Q extends z.ZodType = z.ZodType<None>,
  B extends z.ZodType = z.ZodType<undefined>,
  A extends z.ZodType = z.ZodNever,
>(
  spec: RouteFacts & RouteSchemas<P, Q, B, A> & {
    readonly role: Role;
    readonly handler: (call: Call<z.infer<P>, z.infer<Q>, z.infer<B>>) => Handled<A>;
  },
): Route {
  return erase(spec, async (call) => {
    const { ctx } = call;
    if (ctx === null) throw new TypeError(`Route "${spec.operation}" was called without principal`);
    return await spec.handler({ ...call, ...parsedBy<P, Q, B>(call), ctx });
  });
}

/** Declares a route that anybody may call. */
export function publicRoute<
  P extends z.ZodType = z.ZodType<None>,
  Q extends z.ZodType = z.ZodType<None>,
  B extends z.ZodType = z.ZodType<undefined>,
  A extends z.ZodType = z.ZodNever,
>(
  spec: RouteFacts & RouteSchemas<P, Q, B, A> & {
    readonly handler: (call: PublicCall<z.infer<P>, z.infer<Q>, z.infer<B>>) => Handled<A>;
  },
): Route {
  return erase(
    { ...spec, role: "public" },
    async (call) => await spec.handler({ ...call, ...parsedBy<P, Q, B>(call) }),
  );
}

function erase(
  spec: RouteFacts & { readonly role: Access } & {
    readonly params?: z.ZodType;
    readonly query?: z.ZodType;
    readonly body?: BodySpec;
    readonly answer: Answer;
  },
  handle: Route["handle"],
): Route {
  const { params = nothing, query = nothing, body = null } = spec;
  return { ...spec, params, query, body, handle };
}

/** The server parsed these with the route's own schemas just before; here the types return. */
function parsedBy<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(call: ErasedCall) {
  return {
    params: call.params as z.infer<P>,
    query: call.query as z.infer<Q>,
    body: call.body as z.infer<B>,
  };
}
