/** Fetching published keys: a small answer, and a pause after a failure. */
import type { FetchImplementation } from "jose";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";

/** Largest key document. */
export const MAX_JWKS_BYTES = 1024 * 1024;

/** How long after a failed fetch further ones are answered without trying. */
export const JWKS_FAILURE_PAUSE_MS = 5_000;

/** The part of `fetch` that is used. */
export type FetchKeys = (url: string, init: RequestInit) => Promise<Response>;

/** A fetch for jose that reads no more than it must and leaves a failing provider alone. */
export function boundedFetch(fetchKeys: FetchKeys, clock: Clock): FetchImplementation {
  let pausedUntilMs = -Infinity;
  return async (url, options) => {
    if (clock.now() < pausedUntilMs) {
      const message =
        "Cannot check the token: the keys of its issuer could not be fetched just now";
      throw new AppError("unavailable", "jwks_unavailable", message, {
        retryable: true,
        retryAfterSeconds: Math.ceil((pausedUntilMs - clock.now()) / 1000),
      });
    }
    try {
      const { headers, method, redirect, signal } = options;
      const response = await fetchKeys(url, { headers, method, redirect, signal });
      const body = await readBounded(response);
      if (response.status !== 200) throw new TypeError(`Keys answered with ${response.status}`);
      JSON.parse(body); // An answer that is no JSON is a failure too, and is not asked for again at once.
      return new Response(body, { headers: response.headers });
    } catch (error) {
      pausedUntilMs = clock.now() + JWKS_FAILURE_PAUSE_MS;
      throw error;
    }
  };
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_JWKS_BYTES) throw new RangeError(`Keys exceed ${MAX_JWKS_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
