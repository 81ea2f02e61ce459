/** Typed questions, checked on the side that asks and on the side that answers. */
import type { Methods, ParamsOf, ResultOf } from "./protocol.ts";
import type { WorkerQuestion } from "./worker_client.ts";
import type { HostedCall } from "./worker_host.ts";

/** Asks one of a table of questions. */
export type Ask<Q extends Methods> = <K extends keyof Q & string>(
  method: K,
  params: ParamsOf<Q, K>,
  signal?: AbortSignal,
) => Promise<ResultOf<Q, K>>;

/** The questions of a call; a question is withdrawn when `signal` fires, by default the call's. */
export function asker<Q extends Methods>(questions: Q, call: HostedCall): Ask<Q> {
  return async (method, params, signal = call.signal) => {
    const schema = questions[method];
    if (schema === undefined) throw new TypeError(`Cannot ask unknown question "${method}"`);
    const moves = schema.moves === true;
    return schema.result.parse(await call.ask(method, params, { signal, moves })) as never;
  };
}

/** One answer for each question. */
export type Answers<Q extends Methods> = {
  readonly [K in keyof Q & string]: (
    params: ParamsOf<Q, K>,
    signal: AbortSignal,
  ) => ResultOf<Q, K> | Promise<ResultOf<Q, K>>;
};

/** Answers a question of an isolate: a table that it does not know it refuses. */
export async function answerTo<Q extends Methods>(
  questions: Q,
  { method, params, signal }: WorkerQuestion,
  { answers }: AnswerOptions<Q>,
): Promise<unknown> {
  const schema = Object.hasOwn(questions, method) ? questions[method] : undefined;
  const answer = answers[method];
  if (schema === undefined || answer === undefined) {
    throw new TypeError(`Cannot answer the question "${method}"`);
  }
  return schema.result.parse(await answer(schema.params.parse(params), signal));
}

/** Options of {@linkcode answerTo}. */
export interface AnswerOptions<Q extends Methods> {
  readonly answers: Answers<Q>;
}
