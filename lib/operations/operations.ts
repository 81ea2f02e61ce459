/** Operations on tables: recorded, audited, watched, cancelled, repeated safely. */
import type { CallContext } from "../access/mod.ts";
import type {
  DirectOperation,
  JobOperation,
  OperationContext,
  StartedOperation,
} from "./operation_request.ts";
import type { Operation, OperationFilter, OperationList } from "./schemas.ts";

/** What features need of {@linkcode Operations}. */
export interface OperationRunner {
  /**
   * Checks the role, prepares, records and starts an operation; resolves once it is recorded. It is
   * cancelled when `ctx.signal` fires, unless the call is detached; a commit under way then still
   * comes through, and the record tells so.
   *
   * Errors beside those of `prepare`: `conflict`/`operation_running`, `invalid`/
   * `idempotency_key_reused` (other content under a known key), `conflict`/
   * `idempotency_key_in_use` (the first request is under way).
   */
  run<P, R>(
    ctx: OperationContext,
    operation: JobOperation<P, R> | DirectOperation<P, R>,
  ): Promise<StartedOperation>;
}

/** A page of operations that match. */
export interface ListOperationsInput {
  readonly filter: OperationFilter;
  readonly limit: number;
  /** `next_cursor` of the page before; null for the first. */
  readonly cursor: string | null;
}

/** One event of an operation's stream. */
export interface OperationEvent {
  /** Names the state that the event shows; equal ids show equal states. */
  readonly id: string;
  readonly type: "progress" | "end";
  readonly operation: Operation;
}

/** Which events to stream. */
export interface WatchOperationInput {
  readonly id: string;
  /** Id of the last event that the client has; null for none. */
  readonly lastEventId: string | null;
}

/** The operations' verbs. */
export interface Operations extends OperationRunner {
  /** Auditor. Newest first. */
  list(ctx: CallContext, input: ListOperationsInput): Promise<OperationList>;
  /** Auditor. `not_found` where there is none, or it was long ago. */
  get(ctx: CallContext, id: string): Promise<Operation>;
  /**
   * DataEngineer. Asks a running operation to stop and waits a moment for it; the answer shows what
   * became of it. `conflict` where it has ended otherwise.
   */
  cancel(ctx: CallContext, id: string): Promise<Operation>;
  /**
   * Auditor. Its state now, then each news of it until its end; what a slow reader misses is left
   * out. Null where the client has seen the end. `unavailable` where too many watch.
   */
  watch(
    ctx: CallContext,
    input: WatchOperationInput,
  ): Promise<AsyncIterable<OperationEvent> | null>;
  /** Cancels what runs here and waits for it, within a bound; nothing starts any more. */
  close(): Promise<void>;
}
