/** An identity provider of tests: keys, signed tokens and the document that publishes the keys. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createJwtVerifier, type JwtVerifier, type Role } from "../../lib/access/mod.ts";
import type { Clock } from "../../lib/clock.ts";

/** As jose makes them: its types follow the ones of Node, which are ahead of the platform\'s. */
type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Issuer of the tests' tokens. */
export const ISSUER = "https://login.example.com/";
/** Audience of the tests' tokens. */
export const AUDIENCE = "drls";
/** Where its keys are. */
export const JWKS_URL = "https://login.example.com/keys";

/** What a token says; a claim that is null is left out. */
export interface TokenClaims {
  readonly issuer?: string;
  readonly audience?: string;
  readonly subject?: string | null;
  /** Seconds from now; null for a token without expiry. */
  readonly expiresIn?: number | null;
  readonly notBeforeIn?: number;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly keyId?: string;
}

/** How keys are fetched; by default they are there. */
export type KeyServer = (published: string) => Response | Promise<Response>;

/** A provider with one published key. */
export class TestProvider {
  readonly #clock: Clock;
  readonly #keys: KeyPair;
  readonly #algorithm: string;
  readonly published: string;
  serve: KeyServer = (published) => new Response(published);
  fetches = 0;

  private constructor(options: {
    readonly clock: Clock;
    readonly keys: KeyPair;
    readonly algorithm: string;
    readonly published: string;
  }) {
    this.#clock = options.clock;
    this.#keys = options.keys;
    this.#algorithm = options.algorithm;
    this.published = options.published;
  }

  static async create(clock: Clock, algorithm = "ES256"): Promise<TestProvider> {
    const keys = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...await exportJWK(keys.publicKey), kid: "key-1", alg: algorithm, use: "sig" };
    return new TestProvider({ clock, keys, algorithm, published: JSON.stringify({ keys: [jwk] }) });
  }

  async sign(token: TokenClaims = {}): Promise<string> {
    const nowSeconds = Math.floor(this.#clock.now() / 1000);
    const { subject = "user-1", expiresIn = 300, claims = { role: "DataEngineer" } } = token;
    const jwt = new SignJWT({ ...claims })
      .setProtectedHeader({ alg: this.#algorithm, kid: token.keyId ?? "key-1" })
      .setIssuer(token.issuer ?? ISSUER)
      .setAudience(token.audience ?? AUDIENCE)
      .setIssuedAt(nowSeconds);
    if (subject !== null) jwt.setSubject(subject);
    if (expiresIn !== null) jwt.setExpirationTime(nowSeconds + expiresIn);
    if (token.notBeforeIn !== undefined) jwt.setNotBefore(nowSeconds + token.notBeforeIn);
    return await jwt.sign(this.#keys.privateKey);
  }

  /** A verifier that trusts this provider. */
  verifier(
    options: { readonly roleClaim?: string; readonly roleMapping?: Record<string, Role> } = {},
  ): JwtVerifier {
    return createJwtVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksUrl: JWKS_URL,
      roleClaim: "role",
      ...options,
      clock: this.#clock,
      fetch: async () => {
        this.fetches++;
        return await this.serve(this.published);
      },
    });
  }
}

/** A token whose header and payload are as given, with this signature part. */
export function forge(header: unknown, payload: unknown, signature = ""): string {
  const encode = (part: unknown) =>
    btoa(JSON.stringify(part)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${encode(header)}.${encode(payload)}.${signature}`;
}
