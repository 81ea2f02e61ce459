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
  /**
   * Whether the secret may be short enough to be found by trying, as one that an operator made up.
   * Nothing else can be guessed, so nobody is turned away for a neighbour's failures with it.
   */
  readonly guessable: boolean;
}

/**
 * Passes a success through; a refusal becomes `rate_limited` once its address or token is over. A
 * guessable secret is then refused even where it is right: the answer would tell so.
 */
export async function guardFailures<T>(
  authenticate: () => Promise<T>,
  options: GuardOptions,
): Promise<T> {
  const address = addressKey(options.clientAddress);
  const refuseGuess = () => {
    const seconds = options.guessable ? options.limit.wait(address) : null;
    if (seconds !== null) throw tooManyFailures(seconds);
  };
  refuseGuess();
  try {
    const result = await authenticate();
    // Again: guesses that were sent side by side have failed meanwhile.
    refuseGuess();
    return result;
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "unauthenticated")) throw error;
    const prefix = shownPrefix(options.secret);
    const keys = [address, ...(prefix === "" ? [] : [`token ${prefix}`])];
    const waits = keys.map((key) => options.limit.fail(key) ?? 0);
    const retryAfterSeconds = Math.max(...waits);
    if (retryAfterSeconds === 0) throw error;
    throw tooManyFailures(retryAfterSeconds, error);
  }
}

function tooManyFailures(retryAfterSeconds: number, cause?: unknown): AppError {
  const message = `Cannot authenticate: too many failures. Try again in ${retryAfterSeconds} s`;
  return new AppError("rate_limited", "too_many_failures", message, { retryAfterSeconds, cause });
}
