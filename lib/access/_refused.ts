/** Why a credential is refused. Texts never repeat the credential. */
import { AppError } from "../errors.ts";

/** Reasons that only a holder of the true secret gets to see, and the general one. */
const REASONS = {
  malformed_credentials: "the credentials are not in the expected form",
  invalid_token: "the token is not known here",
  token_expired: "the token has expired",
  token_revoked: "the token was revoked",
  user_disabled: "the user is disabled",
  invalid_session: "there is no such session, or it has ended",
  invalid_ticket: "there is no such ticket, or it was used or has expired",
  wrong_origin: "the session was started from another origin",
} as const;

/** Code of a refusal. */
export type RefusalCode = keyof typeof REASONS;

/** An `unauthenticated` error; `detail` replaces the general reason. */
export function refused(code: RefusalCode, options: { detail?: string; cause?: unknown } = {}) {
  const reason = options.detail ?? REASONS[code];
  return new AppError("unauthenticated", code, `Cannot authenticate: ${reason}`, {
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}
