/** What an S3-compatible store answers when it refuses, and what of that a caller is told. */
import { AppError, type ErrorKind } from "../../errors.ts";
import { alreadyExists, failedTo, fileNotFound, type StorageAction } from "../_failures.ts";
import { childText, parseXml, type XmlElement } from "./xml.ts";

/** A refusal, as facts. */
export interface S3Refusal {
  readonly status: number;
  /** S3's own error code, such as `NoSuchKey`; null where there was no readable body (HEAD). */
  readonly code: string | null;
  readonly requestId: string | null;
  /** The bucket's region, where the store names it. */
  readonly region: string | null;
  readonly retryAfterMs: number | null;
}

/** Options of {@linkcode refusalFailure}. */
export interface RefusalFailureOptions {
  readonly action: StorageAction;
  readonly location: string;
  readonly bucket: string;
  /** The region that requests were signed for. */
  readonly region: string;
}

/** Codes that say "not now": the request was not carried out. */
const THROTTLE_CODES: ReadonlySet<string | null> = new Set([
  "SlowDown",
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "RequestTimeout",
]);

/** Codes of a rival's operation on the same key: not carried out, and worth another try. */
const RIVAL_CODES: ReadonlySet<string | null> = new Set([
  "ConditionalRequestConflict",
  "OperationAborted",
]);

const CREDENTIAL_CODES: ReadonlySet<string | null> = new Set([
  "SignatureDoesNotMatch",
  "InvalidAccessKeyId",
  "InvalidToken",
  "InvalidSecurity",
  "TokenRefreshRequired",
  "AuthorizationHeaderMalformed",
  "MissingSecurityHeader",
]);

/** Statuses that stand for codes where a store reports a failure inside a 200 answer. */
const LATE_STATUSES: ReadonlyMap<string | null, number> = new Map(Object.entries({
  InternalError: 500,
  SlowDown: 503,
  ServiceUnavailable: 503,
  PreconditionFailed: 412,
  ConditionalRequestConflict: 409,
  OperationAborted: 409,
  NoSuchUpload: 404,
  NotImplemented: 501,
}));

/** Reads a refusal from an answer's status, headers and body. */
export function readRefusal(
  answer: { readonly status: number; readonly headers: Headers; readonly body: Uint8Array },
  nowMs: number,
): S3Refusal {
  const root = parseErrorBody(answer.body);
  const { status, headers } = answer;
  return {
    status,
    code: root === null ? null : childText(root, "Code"),
    requestId: headers.get("x-amz-request-id") ?? (root && childText(root, "RequestId")),
    region: headers.get("x-amz-bucket-region") ?? (root && childText(root, "Region")),
    retryAfterMs: parseRetryAfter(headers.get("retry-after"), nowMs),
  };
}

/** A refusal inside a 200 answer, which long operations may give; null where there is none. */
export function readLateRefusal(body: Uint8Array, headers: Headers): S3Refusal | null {
  const root = parseErrorBody(body);
  if (root === null) return null;
  const code = childText(root, "Code");
  return {
    status: LATE_STATUSES.get(code) ?? 500,
    code,
    requestId: headers.get("x-amz-request-id"),
    region: null,
    retryAfterMs: null,
  };
}

/** Whether the same request may be sent again with hope. */
export function isRetryable(refusal: S3Refusal): boolean {
  const { status, code } = refusal;
  if (isUnsupportedFeature(refusal)) return false;
  return status >= 500 || status === 429 || THROTTLE_CODES.has(code) || RIVAL_CODES.has(code);
}

/** Whether a write may have taken effect although it was refused: a failure inside the store. */
export function mayHaveApplied(refusal: S3Refusal): boolean {
  return refusal.status >= 500 && !THROTTLE_CODES.has(refusal.code) &&
    !isUnsupportedFeature(refusal);
}

/** Whether the store does not know what it was asked for. */
export function isUnsupportedFeature(refusal: S3Refusal): boolean {
  return refusal.status === 501 || refusal.code === "NotImplemented";
}

/** A refusal as the error a caller sees. No text of the store's own, which may quote a request. */
export function refusalFailure(refusal: S3Refusal, options: RefusalFailureOptions): AppError {
  const { action, location, bucket } = options;
  const { status, code, requestId, retryAfterMs } = refusal;
  if (code === "NoSuchKey") return fileNotFound(location);
  if (status === 412) return alreadyExists(location);
  const { kind, code: ownCode, reason } = describe(refusal, options);
  return new AppError(kind, ownCode, `${failedTo(action, location)}: ${reason}`, {
    context: { location, bucket, status, storeCode: code, requestId },
    retryable: isRetryable(refusal),
    ...(retryAfterMs === null ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) }),
  });
}

interface Description {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly reason: string;
}

function describe(refusal: S3Refusal, options: RefusalFailureOptions): Description {
  const { status, code, region } = refusal;
  const { bucket } = options;
  const unavailable = (ownCode: string, reason: string): Description => (
    { kind: "unavailable", code: ownCode, reason }
  );
  const isElsewhere = (status >= 300 && status < 400) || code === "PermanentRedirect" ||
    (region !== null && region !== options.region && status === 400);
  if (isElsewhere) {
    const where = region === null ? "another region" : `region "${region}"`;
    return unavailable(
      "storage_wrong_region",
      `bucket "${bucket}" is in ${where}, the configured region is "${options.region}"`,
    );
  }
  if (code === "NoSuchBucket") {
    return { kind: "not_found", code: "bucket_not_found", reason: `no bucket "${bucket}" exists` };
  }
  if (code === "NoSuchUpload") {
    return unavailable("storage_upload_lost", "the store dropped the upload under way");
  }
  // Other codes may hide behind a 404: versitygw answers one to an unknown access key.
  if (status === 404 && (code === null || code === "NotFound")) {
    return { kind: "not_found", code: "file_not_found", reason: "there is no such file" };
  }
  if (code === "RequestTimeTooSkewed") {
    return unavailable(
      "storage_clock_skew",
      "the clock of this machine and the store's are too far apart; set this machine's clock",
    );
  }
  if (code === "ExpiredToken") {
    return unavailable("storage_credentials_expired", "the session token has expired");
  }
  if (CREDENTIAL_CODES.has(code)) {
    return unavailable(
      "storage_credentials_refused",
      "the store does not accept the access key or its signature; check key, secret and region",
    );
  }
  if (status === 401 || status === 403) {
    const reason = "the store denies access with the configured credentials";
    return { kind: "forbidden", code: "storage_access_denied", reason };
  }
  if (isUnsupportedFeature(refusal)) {
    const reason = "the store does not implement what this takes";
    return { kind: "unsupported", code: "storage_feature_missing", reason };
  }
  if (status === 429 || status === 503 || THROTTLE_CODES.has(code)) {
    return unavailable("storage_throttled", "the store is too busy and asks to try again later");
  }
  if (RIVAL_CODES.has(code)) {
    return unavailable("storage_busy", "other operations on the same file would not cease");
  }
  return unavailable("storage_failed", `the store answered with status ${status}`);
}

function parseErrorBody(body: Uint8Array): XmlElement | null {
  try {
    const root = parseXml(new TextDecoder().decode(body));
    return root.name === "Error" ? root : null;
  } catch (error) {
    // Proxies answer in HTML or plain text: the status alone must do.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** RFC 9110, 10.2.3: seconds or a date. */
function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
