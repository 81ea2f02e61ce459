/** What authentication takes and what granting verbs give. */
import type { Secret } from "../secret.ts";

/** Who presents a credential, for the limit on failures. */
export interface Caller {
  /** The client's address; behind a trusted proxy the one that the proxy names. */
  readonly clientAddress: string;
}

/** A session or ticket secret, with the origin of the request that presents it. */
export interface OriginBound extends Caller {
  readonly secret: string;
  /** `Origin` of the request or, where a browser sends none, the request's own origin. */
  readonly origin: string;
}

/** A secret that was just created; this is the only time it is shown. */
export interface Granted {
  readonly secret: Secret;
  readonly expiresAtMs: number;
}

/** What a first start created. */
export interface Bootstrapped {
  readonly user: string;
  /** The Admin token. */
  readonly secret: Secret;
  /** False where `DRLS_BOOTSTRAP_TOKEN` gave it: then it need not be printed. */
  readonly generated: boolean;
}
