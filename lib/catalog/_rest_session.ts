/**
 * One configured connection to a REST catalog: `/v1/config` merged with our own properties, the
 * path prefix, headers, and authentication.
 */
import { AwsV4Signer } from "aws4fetch";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import { parseJson } from "../json.ts";
import type { HttpClient, HttpRequest, HttpResponse, PauseOptions } from "./_http.ts";
import { OauthTokens } from "./_oauth_tokens.ts";
import { restFailure } from "./_rest_errors.ts";
import {
  type Properties,
  type RestSigning,
  restSigning,
  toProperties,
} from "./_rest_properties.ts";

/** Answers that list or configure. */
const MAX_LISTING_BYTES = 32 * 1024 * 1024;

/** What a session is made of. */
export interface RestSessionOptions {
  readonly uri: string;
  readonly warehouse: string | null;
  /** `extra_props`, as configured. */
  readonly properties: Properties;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** How {@linkcode RestSession.open} is called. */
export interface OpenSessionCall {
  readonly previous: RestSession | null;
  readonly signal?: AbortSignal | undefined;
}

/** A read below the catalog's prefix. */
export interface RestRequest {
  /** Encoded segments below `/v1/{prefix}/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

/** A change below the catalog's prefix. */
export interface RestChange extends RestRequest {
  readonly method: "POST" | "DELETE";
  /** JSON. */
  readonly body?: Uint8Array;
  readonly timeoutMs?: number;
}

const ConfigAnswer = z.object({
  defaults: z.record(z.string(), z.unknown()).nullish(),
  overrides: z.record(z.string(), z.unknown()).nullish(),
  /** How long a key of idempotency is remembered; a server without it knows none. */
  "idempotency-key-lifetime": z.string().nullish(),
});

/** A session after `/v1/config`; requests carry its headers and credentials. */
export class RestSession {
  /** Server defaults, then ours, then server overrides: later ones win. */
  readonly properties: Properties;
  /** Whether the server takes `Idempotency-Key`, so that a change may be sent again. */
  readonly isIdempotent: boolean;
  readonly #options: RestSessionOptions;
  readonly #base: string;
  readonly #tokens: OauthTokens;
  readonly #signing: RestSigning | null;
  readonly #headers: Readonly<Record<string, string>>;
  /** Tokens by our own properties, which ask for the configuration. */
  #first: OauthTokens | null = null;

  private constructor(
    options: RestSessionOptions,
    parts: { properties: Properties; tokens: OauthTokens | null; isIdempotent: boolean },
  ) {
    const { properties } = parts;
    this.properties = properties;
    this.isIdempotent = parts.isIdempotent;
    this.#options = options;
    this.#base = (properties["uri"] ?? options.uri).replace(/\/+$/, "");
    this.#signing = restSigning(properties, this.#base);
    this.#tokens = parts.tokens ?? openTokens(options, properties, this.#base);
    this.#headers = configuredHeaders(properties);
  }

  /** Asks the server for its configuration. Tokens of a previous session are used further. */
  static async open(options: RestSessionOptions, call: OpenSessionCall): Promise<RestSession> {
    const { previous, signal } = call;
    const own = options.properties;
    const tokens = previous === null ? null : previous.#first;
    const first = new RestSession(options, { properties: own, tokens, isIdempotent: false });
    const { warehouse } = options;
    const response = await first.#send({
      path: "config",
      ...(warehouse === null ? {} : { query: { warehouse } }),
      action: "reach the catalog",
      signal,
    }, `${first.#base}/v1/`);
    if (response.status !== 200) throw restFailure(response, "reach the catalog");
    const config = parseAnswer(response, ConfigAnswer, "reach the catalog");
    const { defaults, overrides } = config;
    const properties = {
      ...toProperties(defaults),
      ...own,
      ...toProperties(overrides),
      // Where we log in elsewhere, the catalog's server must not get to see the credential.
      ...pick(own, "oauth2-server-uri"),
    };
    const known = (previous === null ? [first] : [first, previous])
      .filter((other) => isSameLogin(other.properties, properties))
      .map((other) => other.#tokens);
    const session = new RestSession(options, {
      properties,
      tokens: known[0] ?? null,
      isIdempotent: (config["idempotency-key-lifetime"] ?? "") !== "",
    });
    session.#first = first.#tokens;
    return session;
  }

  /** Sends a read; statuses of 429 and from 500 on are thrown, others are the caller's to judge. */
  async get(request: RestRequest): Promise<HttpResponse> {
    return await this.#send(request, this.#below());
  }

  /** Sends a change once; every status is the caller's to judge. See `HttpClient.sendOnce`. */
  async change(request: RestChange): Promise<HttpResponse> {
    return await this.#send(request, this.#below());
  }

  /** See `HttpClient.pause`. */
  async pause(attempt: number, options: PauseOptions): Promise<void> {
    await this.#options.http.pause(attempt, options);
  }

  /** The address that the catalog's paths lie below. */
  #below(): string {
    const prefix = this.properties["prefix"] ?? "";
    const path = prefix === "" ? "" : `${prefix.replace(/^\/+|\/+$/g, "")}/`;
    return `${this.#base}/v1/${path}`;
  }

  /** Sends a read whose answer is small JSON of a known shape. */
  async getJson<T>(request: RestRequest, schema: z.ZodType<T>): Promise<T> {
    const response = await this.get(request);
    if (response.status !== 200) throw restFailure(response, request.action);
    return parseAnswer(response, schema, request.action);
  }

  async #send(request: RestRequest | RestChange, below: string): Promise<HttpResponse> {
    const token = this.#signing === null ? await this.#tokens.get(request.signal) : null;
    const response = await this.#sendOnce(request, below, token);
    // The token may have been revoked or expired early: one more try with a new one.
    if (response.status !== 401 || token === null || !this.#tokens.invalidate(token)) {
      return response;
    }
    return await this.#sendOnce(request, below, await this.#tokens.get(request.signal));
  }

  async #sendOnce(
    request: RestRequest | RestChange,
    below: string,
    token: string | null,
  ): Promise<HttpResponse> {
    const { action, signal } = request;
    const change = "method" in request ? request : null;
    const body = change?.body;
    const query = new URLSearchParams(request.query ?? {}).toString();
    const url = `${below}${request.path}${query === "" ? "" : `?${query}`}`;
    const headers: Record<string, string> = {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...request.headers,
      ...this.#headers,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    const unsigned = {
      method: change?.method ?? "GET",
      url,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(change?.timeoutMs === undefined ? {} : { timeoutMs: change.timeoutMs }),
      maxBytes: request.maxBytes ?? MAX_LISTING_BYTES,
      action,
      signal,
    } as const;
    const signing = this.#signing;
    const sent = signing === null
      ? unsigned
      : { ...unsigned, headers: await sign(unsigned, signing) };
    const { http } = this.#options;
    return await (change === null ? http.send(sent) : http.sendOnce(sent));
  }
}

function pick(properties: Properties, name: string): Properties {
  const value = properties[name];
  return value === undefined ? {} : { [name]: value };
}

function isSameLogin(a: Properties, b: Properties): boolean {
  return ["uri", "token", "credential", "scope", "oauth2-server-uri", "audience", "resource"]
    .every((key) => a[key] === b[key]);
}

function openTokens(
  options: RestSessionOptions,
  properties: Properties,
  base: string,
): OauthTokens {
  const { credential, audience, resource } = properties;
  return new OauthTokens({
    clock: options.clock,
    http: options.http,
    token: properties["token"] ?? null,
    credential: credential === undefined ? null : {
      url: properties["oauth2-server-uri"] ?? `${base}/v1/oauth/tokens`,
      credential,
      scope: properties["scope"] ?? "catalog",
      extra: {
        ...(audience === undefined ? {} : { audience }),
        ...(resource === undefined ? {} : { resource }),
      },
    },
  });
}

/** `header.X-Name` properties as headers. */
function configuredHeaders(properties: Properties): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([key]) => key.startsWith("header."))
      .map(([key, value]) => [key.slice("header.".length).toLowerCase(), value]),
  );
}

async function sign(
  { method, url, headers, body }: Pick<HttpRequest, "method" | "url" | "headers" | "body">,
  signing: RestSigning,
): Promise<Readonly<Record<string, string>>> {
  const content = body === undefined ? {} : { body: body as BodyInit };
  const request = { method, url, headers: { ...headers }, ...content };
  const signed = await new AwsV4Signer({ ...request, ...signing }).sign();
  return Object.fromEntries(signed.headers);
}

function parseAnswer<T>(response: HttpResponse, schema: z.ZodType<T>, action: string): T {
  const parsed = schema.safeParse(tryParse(response.body));
  if (parsed.success) return parsed.data;
  const message = `Cannot ${action}: the server's answer is not that of an Iceberg REST catalog`;
  const at = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new AppError("unavailable", "catalog_answer_invalid", message, { context: { at } });
}

function tryParse(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch {
    return null; // The caller reports it.
  }
}
