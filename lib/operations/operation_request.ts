/** How a feature asks for an operation on a table, and what it gets back. */
import type { Action, CallContext, Role } from "../access/mod.ts";
import type { Catalog } from "../catalog/mod.ts";
import type { JobProgress, JobSpec } from "../jobs/mod.ts";
import type { Transaction } from "../state/mod.ts";
import type { OperationResult } from "./schemas.ts";

/** A client's wish that repeating a request does not repeat what it does. */
export interface Idempotency {
  /** As the client chose it. */
  readonly key: string;
  /** Method and path: a key means nothing elsewhere. */
  readonly scope: string;
  /**
   * Identifies the request's content. A promise where the content is streamed: it resolves once all
   * of it was read, whoever reads it.
   */
  readonly fingerprint: string | Promise<string>;
}

/** The call that an operation serves. Verbs hand on the one they got. */
export interface OperationContext extends CallContext {
  /** Null or absent where repeating the call repeats the operation. */
  readonly idempotency?: Idempotency | null;
  /** True for `Prefer: respond-async`: the operation goes on when the call has been answered. */
  readonly detached?: boolean;
}

/** What `prepare` found. */
export interface PreparedOperation<P> {
  /** `namespace.table`, as the catalog has it. */
  readonly table: string;
  /** For the job; checked by its schema. */
  readonly params: P;
}

/** What every operation says about itself. */
export interface OperationFacts<P, R> {
  /** Name of the operation in answers and lists: `compact`. */
  readonly kind: string;
  readonly role: Role;
  /** For the audit: `table.compact`. */
  readonly action: Action;
  /** What was asked for, as JSON, without secrets; for lists and the audit. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Changes nothing: no audit row, `dry_run: true` in the details. */
  readonly dryRun?: boolean;
  /** Refuse (`conflict`, `operation_running`) while one of this kind runs on this table. */
  readonly exclusive?: boolean;
  /**
   * Locates the table and checks the input against it, before anything is recorded: what it
   * throws is the answer, without an operation. The catalog stays open until the operation has ended.
   */
  prepare(catalog: Catalog, signal: AbortSignal): Promise<PreparedOperation<P>>;
  /**
   * Called right before the table is changed, in the transaction that notes the change: what it
   * rejects with forbids it. What is true of the state here cannot change before the note is there.
   */
  readonly mayChange?: (tx: Transaction, prepared: PreparedOperation<P>) => Promise<void>;
  /** The result as clients read it in `details_json`; a `bigint` shows as text. */
  toDetails(result: R): Readonly<Record<string, unknown>>;
  /** The state before and after, for the audit; the details by default. */
  toAudit?(result: R): { readonly before: unknown; readonly after: unknown };
}

/** An operation that a job does, in a table isolate. */
export interface JobOperation<P, R> extends OperationFacts<P, R> {
  readonly job: JobSpec<P, R>;
  /** Rows streamed in. */
  readonly body?: ReadableStream<Uint8Array>;
}

/** What work in the main isolate finds around it. */
export interface DirectWork {
  /** UUID v7. */
  readonly operationId: string;
  /** The one that `prepare` saw. */
  readonly catalog: Catalog;
  readonly signal: AbortSignal;
  progress(progress: JobProgress): void;
}

/** An operation that is only a call or two of the catalog, and done in the main isolate. */
export interface DirectOperation<P, R> extends OperationFacts<P, R> {
  perform(params: P, work: DirectWork): Promise<R>;
}

/** An operation that was recorded, and goes on by itself. */
export interface StartedOperation {
  readonly id: string;
  readonly kind: string;
  readonly table: string;
  /** True where the first request with this idempotency key asked not to wait, or this one does. */
  readonly detached: boolean;
  /** True where an earlier request with the same idempotency key started it. */
  readonly replayed: boolean;
  /** Its end; rejects with the `AppError` that it failed with. Nobody has to wait for it. */
  readonly result: Promise<OperationResult>;
}
