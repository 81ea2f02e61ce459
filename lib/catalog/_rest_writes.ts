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
import { asksTooMuch, type HttpResponse, MAX_ATTEMPTS, transientFailure } from "./_http.ts";
import { commitConflict, tableExists, tableNotFound } from "./_names.ts";
import { errorType, restFailure } from "./_rest_errors.ts";
import type { RestChange, RestSession } from "./_rest_session.ts";

/** A commit checks requirements, writes metadata and moves a pointer; some servers take their time. */
const CHANGE_TIMEOUT_MS = 60_000;
/** A table's metadata with all its snapshots. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One change. */
export interface ChangeOptions {
  /** Ends the waiting before the change is sent; what was sent is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** UUID v7, sent where the server takes it. */
  readonly idempotencyKey: string;
}

/**
 * Sends a change until it is answered. Errors: `commit_state_unknown` where it may have been done;
 * with any other, and with an answer that says no, it was not.
 */
export async function sendChange(
  session: RestSession,
  change: Omit<RestChange, "signal" | "maxBytes" | "timeoutMs">,
  { signal, idempotencyKey }: ChangeOptions,
): Promise<HttpResponse> {
  const { isIdempotent } = session;
  const key = isIdempotent ? { "idempotency-key": idempotencyKey } : {};
  const request: RestChange = {
    ...change,
    headers: { ...change.headers, ...key },
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: CHANGE_TIMEOUT_MS,
  };
  let lost: AppError | null = null;
  for (let attempt = 1;; attempt++) {
    if (lost === null) throwIfAborted(signal);
    const outcome = await sendOnce(session, request);
    if (!(outcome instanceof AppError)) {
      if (lost === null || isConclusive(outcome)) return outcome;
      throw lost;
    }
    if (outcome.kind === "commit_state_unknown") lost = outcome;
    const mayRepeat = lost === null ? outcome.retryable : isIdempotent;
    if (!mayRepeat || attempt === MAX_ATTEMPTS || asksTooMuch(outcome)) throw lost ?? outcome;
    // Where it may have been done already, nobody is helped by stopping half way.
    const waiting = lost === null ? { signal } : {};
    await session.pause(attempt, { asked: outcome.retryAfterSeconds, ...waiting });
  }
}

/** An answer that decides, or why there is none. */
async function sendOnce(
  session: RestSession,
  request: RestChange,
): Promise<HttpResponse | AppError> {
  const { action } = request;
  try {
    const answer = await session.change(request);
    const failure = transientFailure(request, answer);
    if (failure === null) return answer;
    // "Too many requests" is said before anything is done; 501 is said instead of it.
    return [429, 501, 505].includes(answer.status) ? failure : failedMeanwhile(action, failure);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/**
 * Whether the answer to a repetition tells what became of what was sent first. Under one key the
 * server answers what it answered before; yet a refusal to listen at all (401, 403, 419) it does not
 * remember, and a 409 of another type may mean that the first is still under way.
 */
function isConclusive(answer: HttpResponse): boolean {
  const { status, body } = answer;
  if (status >= 200 && status <= 299) return true;
  const type = errorType(body);
  if (status === 409) return type === "CommitFailedException" || type === "AlreadyExistsException";
  return status === 400 || status === 422 ||
    (status === 404 && type?.startsWith("NoSuch") === true);
}

function failedMeanwhile(action: string, cause: AppError): AppError {
  const message = `Cannot tell whether it was possible to ${action}: the catalog failed while it ` +
    "was at it; look at the table before trying again";
  const { retryAfterSeconds } = cause;
  return new AppError("commit_state_unknown", "commit_state_unknown", message, {
    cause,
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
  });
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
  if (errorType(answer.body) === "AlreadyExistsException") {
    return tableExists(identifier, restFailure(answer, action));
  }
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
