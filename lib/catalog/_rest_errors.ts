/** From the REST catalog's error answers to errors of ours. */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { excerpt, type HttpResponse } from "./_http.ts";

const ErrorAnswer = z.object({
  error: z.object({ type: z.string(), message: z.string().nullish() }),
});

/** Failures of the catalog that concern drls's own access, so they are not the caller's 401 or 403. */
export function restFailure(response: HttpResponse, action: string): AppError {
  const { status, body } = response;
  const type = errorType(body);
  const context = { status, type, answer: excerpt(body) };
  const fail = (code: string, reason: string) =>
    new AppError("unavailable", code, `Cannot ${action}: ${reason}`, { context });
  if (status === 401) {
    return fail("catalog_unauthorized", "the catalog does not accept the configured credentials");
  }
  if (status === 403) {
    return fail("catalog_forbidden", "the catalog does not allow it to the configured credentials");
  }
  if (status === 404) {
    return fail(
      "catalog_not_found",
      "the catalog's server knows no such path; expected uri to be the address that " +
        '"/v1/config" lies below, and warehouse a name that the server knows',
    );
  }
  if (status >= 300 && status < 400) {
    return fail("catalog_redirects", "the catalog redirects elsewhere; set uri to its new address");
  }
  return fail("catalog_refused", `the catalog refused the request with status ${status}`);
}

/** The answer's error type, `NoSuchTableException` for example; null where it has none. */
export function errorType(body: Uint8Array): string | null {
  try {
    return ErrorAnswer.safeParse(parseJson(body)).data?.error.type ?? null;
  } catch {
    return null; // A proxy's HTML page, for example; its status says enough.
  }
}
