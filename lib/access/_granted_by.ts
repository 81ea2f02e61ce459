/** What a session or ticket is tied to, as columns of its row. */
import { AppError } from "../errors.ts";
import type { Principal } from "./principal.ts";
import type { JwtPrincipal } from "./_resolve.ts";

/** Exactly one of these is set. */
export interface GrantedBy {
  readonly tokenId: string | null;
  readonly sessionId: string | null;
  readonly jwtPrincipal: string | null;
  /** When the credential ends by itself, as far as it says so; null where its row decides. */
  readonly endsAtMs: number | null;
}

/** Ties a new session or ticket to the credential of the call; `forbidden` where that cannot be. */
export function grantedBy(principal: Principal): GrantedBy {
  const none = { tokenId: null, sessionId: null, jwtPrincipal: null, endsAtMs: null };
  const { credential, id, name, role } = principal;
  switch (credential.kind) {
    case "token":
      return { ...none, tokenId: credential.tokenId };
    case "session":
      return { ...none, sessionId: credential.sessionId };
    case "jwt": {
      const { issuer, expiresAtMs } = credential;
      const kept: JwtPrincipal = { id, name, role, issuer, expiresAtMs };
      return { ...none, jwtPrincipal: JSON.stringify(kept), endsAtMs: expiresAtMs };
    }
    case "ticket":
    case "development":
    case "local": {
      const message =
        `Cannot grant this: it needs a token, and the call came with "${credential.kind}"`;
      throw new AppError("forbidden", "bearer_required", message);
    }
  }
}
