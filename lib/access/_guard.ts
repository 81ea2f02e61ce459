/** Runs an authentication; failures are counted, and too many of them answer 429. */
import { AppError } from "../errors.ts";
import { addressKey, type FailureLimit } from "./failure_limit.ts";
import { shownPrefix } from "./_secrets.ts";

/** What failures are counted by. */
export interface GuardOptions {
  readonly limit: FailureLimit;
  readonly clientAddress: string;
  /** What was presented; only the shown prefix of a token counts, never the secret. */
  readonly secret: string;
}

/** Passes a success through; a refusal becomes `rate_limited` once its address or token is over. */
export async function guardFailures<T>(
  authenticate: () => Promise<T>,
  options: GuardOptions,
): Promise<T> {
  try {
    return await authenticate();
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "unauthenticated")) throw error;
    const prefix = shownPrefix(options.secret);
    const keys = [addressKey(options.clientAddress), ...(prefix === "" ? [] : [`token ${prefix}`])];
    const waits = keys.map((key) => options.limit.fail(key) ?? 0);
    const retryAfterSeconds = Math.max(...waits);
    if (retryAfterSeconds === 0) throw error;
    const message = `Cannot authenticate: too many failures. Try again in ${retryAfterSeconds} s`;
    throw new AppError("rate_limited", "too_many_failures", message, {
      retryAfterSeconds,
      cause: error,
    });
  }
}
