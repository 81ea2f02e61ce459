/**
 * Changes of a REST catalog: what is sent how often, and what the answers mean.
 *
 * An answer of 4xx says that nothing was done. 500, 502 and 504 on a commit, and a lost answer, say
 * nothing; 503 "could have been partially processed" (open-api, ServiceUnavailableResponse) and is
 * taken so too. Where the server knows `Idempotency-Key`, the same request is sent again under the
 * same key: what was done is answered again, not done again. Otherwise the outcome is unknown, and
 * whoever committed finds out by reading the table.
 */
import { throwIfAborted } from "../abort.ts";
import { AppError } from "../errors.ts";
import { formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import { type HttpResponse, retryAfterSeconds, sleep, transientFailure } from "./_http.ts";
import { commitConflict, tableExists, tableNotFound } from "./_names.ts";
import { errorType, restFailure } from "./_rest_errors.ts";
import type { RestChange, RestSession } from "./_rest_session.ts";

/** Times one change is sent. */
const MAX_SENDS = 4;
/** A commit checks requirements, writes metadata and moves a pointer; some servers take their time. */
const CHANGE_TIMEOUT_MS = 60_000;
/** Backoff before sending n+1 is random below this times 2^n. */
const BACKOFF_MS = 100;
/** A server that asks for a longer pause than this gets its caller told instead. */
const MAX_PAUSE_MS = 5_000;
/** A table's metadata with all its snapshots. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One change. */
export interface ChangeOptions {
  /** Waited for before the change is sent; what was sent is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** UUID v7, sent where the server takes it. */
  readonly idempotencyKey: string;
}

/** Sends a change until it is answered; answers of 429 and from 500 on are thrown. */
export async function sendChange(
  session: RestSession,
  change: Omit<RestChange, "signal" | "maxBytes" | "timeoutMs">,
  { signal, idempotencyKey }: ChangeOptions,
): Promise<HttpResponse> {
  const { isIdempotent } = session;
  const request: RestChange = {
    ...change,
    headers: {
      ...change.headers,
      ...(isIdempotent ? { "idempotency-key": idempotencyKey } : {}),
    },
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: CHANGE_TIMEOUT_MS,
  };
  let lost: AppError | null = null;
  for (let sends = 1;; sends++) {
    if (lost === null) throwIfAborted(signal);
    let pauseMs = Math.min(MAX_PAUSE_MS, BACKOFF_MS * 2 ** sends) * Math.random();
    try {
      const answer = await session.change(request);
      const failure = transientFailure(change, answer);
      if (failure === null) return answer;
      const askedMs = (retryAfterSeconds(answer) ?? 0) * 1_000;
      if (askedMs > MAX_PAUSE_MS || sends === MAX_SENDS) throw lost ?? outcomeOf(answer, failure);
      if (answer.status !== 429) {
        lost = outcomeUnknown(change.action, failure);
        if (!isIdempotent) throw lost;
      }
      pauseMs = Math.max(pauseMs, askedMs);
    } catch (error) {
      const isUnknown = error instanceof AppError && error.kind === "commit_state_unknown";
      if (!isUnknown) throw lost ?? error;
      if (!isIdempotent || sends === MAX_SENDS) throw error;
      lost = error;
    }
    await sleep(pauseMs, lost === null ? signal : undefined);
  }
}

function outcomeOf(answer: HttpResponse, failure: AppError): AppError {
  return answer.status === 429 ? failure : outcomeUnknown("change the catalog", failure);
}

function outcomeUnknown(action: string, cause: AppError): AppError {
  const message = `Cannot tell whether it was possible to ${action}: the catalog failed while it ` +
    "was at it; look at the table before trying again";
  return new AppError("commit_state_unknown", "commit_state_unknown", message, { cause });
}

/** The error of an answer to a commit. */
export function commitFailure(answer: HttpResponse, identifier: TableIdentifier): AppError {
  const name = formatIdentifier(identifier);
  const action = `commit to table "${name}"`;
  if (answer.status === 409) return commitConflict(action, restFailure(answer, action));
  if (isNoTable(answer)) return tableNotFound(name);
  return changeFailure(answer, action);
}

/** The error of an answer to a request to create a table. */
export function createFailure(answer: HttpResponse, identifier: TableIdentifier): AppError {
  const action = `create table "${formatIdentifier(identifier)}"`;
  if (answer.status === 409) return tableExists(identifier, restFailure(answer, action));
  return changeFailure(answer, action);
}

/** The error of an answer to a request to drop a table. */
export function dropFailure(answer: HttpResponse, identifier: TableIdentifier): AppError {
  const name = formatIdentifier(identifier);
  if (isNoTable(answer)) return tableNotFound(name);
  return changeFailure(answer, `drop table "${name}"`);
}

/** 404, but for one that says that the server has no such route. */
function isNoTable({ status, body }: HttpResponse): boolean {
  const type = errorType(body);
  return status === 404 && (type === null || type.startsWith("NoSuch"));
}

/** 400 and 422: the server understands and will not, however often it is asked. */
function changeFailure(answer: HttpResponse, action: string): AppError {
  const failure = restFailure(answer, action);
  if (![400, 406, 422].includes(answer.status)) return failure;
  const message = `Cannot ${action}: the catalog refuses this change with status ` +
    `${answer.status}; its log, and that of drls, say why`;
  return new AppError("unsupported", "catalog_refused_change", message, {
    context: failure.context,
  });
}
