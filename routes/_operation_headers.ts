/** Request headers of operations on tables: not to wait, and not to do it twice. */
import { z } from "zod";
import { AppError } from "../lib/errors.ts";

/** Header that makes repeating a request safe (draft-ietf-httpapi-idempotency-key-header). */
export const IDEMPOTENCY_KEY = "Idempotency-Key";
/** Header that asks not to wait (RFC 7240). */
export const PREFER = "Prefer";
/** The one preference that is understood. */
export const RESPOND_ASYNC = "respond-async";

const MAX_KEY_CHARS = 255;

/** What the two headers ask for. */
export interface OperationHeaders {
  readonly idempotencyKey: string | null;
  readonly respondAsync: boolean;
}

/** The header of requests that may be repeated, for the document. */
export const idempotencyHeaders: z.ZodObject = z.object({
  [IDEMPOTENCY_KEY]: z.string().max(MAX_KEY_CHARS).optional().meta({
    description: "A fresh UUID, say. A repeat of the request with the same key within 24 hours " +
      "gets the first answer, and does nothing",
  }),
});

/** The headers, for the document. */
export const operationHeaders: z.ZodObject = z.object({
  [PREFER]: z.string().optional().meta({
    description: "`respond-async`: answer 202 at once; `Location` tells where the operation is",
    example: RESPOND_ASYNC,
  }),
  ...idempotencyHeaders.shape,
});

/** Reads them; what is no key is `invalid`, preferences that are not understood are ignored. */
export function readOperationHeaders(headers: Headers): OperationHeaders {
  const preferences = (headers.get(PREFER) ?? "").split(",").map((one) => one.trim().toLowerCase());
  return {
    respondAsync: preferences.some((one) => one.split(/[;=\s]/)[0] === RESPOND_ASYNC),
    idempotencyKey: readKey(headers.get(IDEMPOTENCY_KEY)),
  };
}

/** The draft wants it quoted; most clients send it bare. */
function readKey(given: string | null): string | null {
  if (given === null) return null;
  const key = /^"(.*)"$/.exec(given.trim())?.[1] ?? given.trim();
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(key)) return key;
  const message = `Expected 1 to ${MAX_KEY_CHARS} printable characters without blanks or quotes`;
  throw new AppError("invalid", "invalid_idempotency_key", `Cannot use ${IDEMPOTENCY_KEY}`, {
    issues: [{ path: IDEMPOTENCY_KEY, message }],
  });
}
