/**
 * Bearer tokens for a rest catalog: a fixed one, or OAuth2 client credentials (RFC 6749, 4.4)
 * renewed before they expire, one request for everyone who waits.
 */
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import { parseJson } from "../json.ts";
import { throwIfAborted, untilAborted } from "../abort.ts";
import { excerpt, type HttpClient, type HttpResponse } from "./_http.ts";

/** A token is renewed this long before it expires, or at three quarters of a shorter life. */
const RENEW_BEFORE_MS = 60_000;
/** Life of a token whose server does not say. */
const DEFAULT_LIFE_MS = 3_600_000;
const MAX_TOKEN_BYTES = 256 * 1024;

/** How a catalog's token is had. */
export interface TokenSettings {
  readonly clock: Clock;
  readonly http: HttpClient;
  /** A token to begin with; null for none. */
  readonly token: string | null;
  /** Client credentials to get (further) tokens with. */
  readonly credential: {
    readonly url: string;
    /** `id:secret`, or a bare secret. */
    readonly credential: string;
    readonly scope: string;
    /** `audience`, `resource`: passed on where set. */
    readonly extra: Readonly<Record<string, string>>;
  } | null;
}

interface Token {
  readonly value: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().nullish(),
});

/** The current token of one catalog. */
export class OauthTokens {
  readonly #settings: TokenSettings;
  #current: Token | null;
  #renewal: Promise<Token> | null = null;

  constructor(settings: TokenSettings) {
    this.#settings = settings;
    const { token } = settings;
    this.#current = token === null
      ? null
      : { value: token, renewAtMs: Infinity, expiresAtMs: Infinity };
  }

  /** A token that is good now; null where the catalog wants none. */
  async get(signal?: AbortSignal): Promise<string | null> {
    const now = this.#settings.clock.now();
    const current = this.#current;
    if (current !== null && now < current.renewAtMs) return current.value;
    if (this.#settings.credential === null) return null;
    try {
      return (await untilAborted(this.#renew(), signal)).value;
    } catch (error) {
      throwIfAborted(signal);
      // A token that cannot be renewed in advance may still serve until it expires.
      if (current !== null && this.#current === current && now < current.expiresAtMs) {
        return current.value;
      }
      throw error;
    }
  }

  /** Forgets a token that the catalog refused; true where another can be had. */
  invalidate(token: string): boolean {
    if (this.#settings.credential === null) return false;
    if (this.#current?.value === token) this.#current = null;
    return true;
  }

  #renew(): Promise<Token> {
    this.#renewal ??= this.#request().then((token) => this.#current = token)
      .finally(() => this.#renewal = null);
    return this.#renewal;
  }

  async #request(): Promise<Token> {
    const { clock, http, credential } = this.#settings;
    if (credential === null) throw new TypeError("Cannot get a token without a credential");
    const colon = credential.credential.indexOf(":");
    const id = credential.credential.slice(0, Math.max(colon, 0));
    const secret = credential.credential.slice(colon + 1);
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      ...(id === "" ? {} : { client_id: id }),
      client_secret: secret,
      scope: credential.scope,
      ...credential.extra,
    });
    const sentAtMs = clock.now();
    const response = await http.send({
      method: "POST",
      url: credential.url,
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: body.toString(),
      maxBytes: MAX_TOKEN_BYTES,
      action: "get a token for the catalog",
    });
    const answer = readAnswer(response);
    const lifeMs = (answer.expires_in ?? DEFAULT_LIFE_MS / 1000) * 1000;
    return {
      value: answer.access_token,
      renewAtMs: sentAtMs + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs / 4),
      expiresAtMs: sentAtMs + lifeMs,
    };
  }
}

function readAnswer(response: HttpResponse): z.infer<typeof TokenAnswer> {
  const { status, body } = response;
  if (status !== 200) {
    const message = "Cannot get a token for the catalog: its OAuth2 server refused the credential";
    throw new AppError("unavailable", "catalog_credential_refused", message, {
      // An OAuth2 error names its reason, never the secret that was sent (RFC 6749, 5.2).
      context: { status, answer: excerpt(body) },
    });
  }
  const parsed = TokenAnswer.safeParse(tryParse(body));
  if (parsed.success) return parsed.data;
  // Unlike a refusal, this may hold a token: nothing of it is kept.
  const message = "Cannot get a token for the catalog: its OAuth2 server's answer has none";
  throw new AppError("unavailable", "catalog_token_invalid", message);
}

function tryParse(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch {
    return null; // The caller reports it, without quoting it.
  }
}
