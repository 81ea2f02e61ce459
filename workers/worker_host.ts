/** The inside of a worker isolate: validates calls, dispatches them, flattens what they throw. */
import { AppError, flattenError } from "../lib/errors.ts";
import { estimateBytes } from "../lib/estimate_bytes.ts";
import {
  HostMessage,
  type Methods,
  type ParamsOf,
  PROTOCOL_VERSION,
  type ResultOf,
  type WorkerMessage,
} from "./protocol.ts";

/** Estimated memory of one result: the main isolate checks and prints it while others wait. */
const MAX_RESULT_BYTES = 32 * 1024 * 1024;

/** One implementation per method; `signal` is aborted when the caller cancels. */
export type Handlers<M extends Methods> = {
  readonly [K in keyof M]: (
    params: ParamsOf<M, K>,
    options: { readonly signal: AbortSignal },
  ) => Promise<ResultOf<M, K>>;
};

/** The part of a worker's global scope that the host needs. */
export interface WorkerScope {
  /** As given to `new Worker`; carries the isolate's setup. */
  readonly name: string;
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** This worker isolate's own scope. The compiler types every file for the main isolate. */
export function workerScope(): WorkerScope {
  return globalThis as typeof globalThis & WorkerScope;
}

/** Serves `handlers` to the isolate that started this one, until it is terminated. */
export function serveWorker<M extends Methods>(
  scope: WorkerScope,
  methods: M,
  handlers: Handlers<M>,
): void {
  const running = new Map<number, AbortController>();
  const post = (message: WorkerMessage) => scope.postMessage(message);

  async function run(id: number, method: string, params: unknown): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const schema = Object.hasOwn(methods, method) ? methods[method] : undefined;
      const handler = handlers[method];
      if (schema === undefined || handler === undefined) {
        throw new TypeError(`Cannot call unknown worker method "${method}"`);
      }
      const value = await handler(schema.params.parse(params), { signal: controller.signal });
      if (estimateBytes(value, MAX_RESULT_BYTES) > MAX_RESULT_BYTES) throw resultTooLarge(method);
      post({ v: PROTOCOL_VERSION, type: "result", id, value });
    } catch (error) {
      post({ v: PROTOCOL_VERSION, type: "error", id, error: flattenError(error) });
    } finally {
      running.delete(id);
    }
  }

  scope.onmessage = (event) => {
    const message = HostMessage.parse(event.data);
    if (message.type === "call") void run(message.id, message.method, message.params);
    else {
      running.get(message.id)?.abort(
        new AppError("cancelled", "cancelled", "The call was cancelled"),
      );
    }
  };
  post({ v: PROTOCOL_VERSION, type: "ready" });
}

function resultTooLarge(method: string): AppError {
  return new AppError(
    "too_large",
    "answer_too_large",
    `Cannot answer: the answer would take more than ${MAX_RESULT_BYTES} bytes`,
    { context: { method } },
  );
}
