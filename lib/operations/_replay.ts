/** Repeats of a request: the first answer, or why there is none. */
import { AppError, type ErrorKind } from "../errors.ts";
import type { SqlReader } from "../state/mod.ts";
import { type OperationRow, toResult } from "./_rows.ts";
import { type ClientKey, findKey, findOperation, type KeyRow } from "./_store.ts";
import type { OperationsDeps } from "./operations_deps.ts";
import type { OperationContext, StartedOperation } from "./operation_request.ts";

/** Failures that the same request may not meet again: a repeat is a new try. */
const PASSING: ReadonlySet<string> = new Set<ErrorKind>([
  "unavailable",
  "deadline_exceeded",
  "cancelled",
  "rate_limited",
  "internal",
]);

/** Codes of other failures of that sort: somebody else came first, and nothing was changed. */
const PASSING_CODES: ReadonlySet<string> = new Set(["commit_conflict", "pins_changed"]);

/** A request that may be a repeat. */
export interface Repeated {
  readonly ctx: OperationContext;
  readonly body: ReadableStream<Uint8Array> | undefined;
}

/** The operation that an earlier request with the same key started; null where none counts. */
export async function replay(
  { state, clock }: Pick<OperationsDeps, "state" | "clock">,
  { ctx, body }: Repeated,
): Promise<StartedOperation | null> {
  const { idempotency = null, principal, detached = false } = ctx;
  if (idempotency === null) return null;
  const { key, scope } = idempotency;
  const client = { principalId: principal.id, scope, key, nowMs: clock.now() };
  const counting = await findCounting(state, client);
  if (counting === null) return null;
  const { known, row } = counting;
  if (row.ended_at !== null || typeof idempotency.fingerprint === "string") {
    // A streamed body has its print once it was read; nobody else reads it now.
    for await (const _ of body ?? []);
    const given = await idempotency.fingerprint;
    if (known.fingerprint !== null && given !== known.fingerprint) throw reused();
  }
  const waits = detached || known.detached;
  if (row.ended_at === null && !waits) throw inUse();
  const { id, kind, table_name: table, error_kind, error_code, error_detail } = row;
  const result = error_kind === null ? Promise.resolve(toResult(row)) : Promise.reject(
    new AppError(error_kind as ErrorKind, error_code ?? "operation_failed", error_detail ?? ""),
  );
  result.catch(() => {
    // Whoever waits for it hears of it; nobody has to.
  });
  return { id, kind, table, detached: waits, replayed: true, result };
}

/** The operation that a key stands for; null where it is free, or a new try is due. */
export async function findCounting(
  reader: SqlReader,
  client: ClientKey & { readonly nowMs: number },
): Promise<{ readonly known: KeyRow; readonly row: OperationRow } | null> {
  const known = await findKey(reader, client);
  const row = known === null ? null : await findOperation(reader, known.operation_id);
  if (known === null || row === null) return null;
  const isPassing = PASSING.has(row.error_kind ?? "") || PASSING_CODES.has(row.error_code ?? "");
  return isPassing ? null : { known, row };
}

function reused(): AppError {
  const message = "Cannot use the Idempotency-Key: another request came with it; choose a new one";
  return new AppError("invalid", "idempotency_key_reused", message, {
    issues: [{ path: "Idempotency-Key", message: "was used for a request with other content" }],
  });
}

function inUse(): AppError {
  const message = "Cannot answer yet: the first request with this Idempotency-Key is under way";
  return new AppError("conflict", "idempotency_key_in_use", message, {
    retryable: true,
    retryAfterSeconds: 2,
  });
}
