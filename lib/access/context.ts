/** What every verb is told about the call it serves. */
import type { Principal } from "./principal.ts";

/** The call: who, under which request id, until when. */
export interface CallContext {
  readonly principal: Principal;
  readonly requestId: string;
  /** Aborted when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
  /** The agent that acts for the principal, where one does; recorded in the audit. */
  readonly agent: string | null;
}
