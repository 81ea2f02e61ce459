/** The inside of a worker isolate: validates calls, dispatches them, flattens what they throw. */
import { throwIfAborted, untilAborted } from "../lib/abort.ts";
import { AppError, flattenError, unflattenError } from "../lib/errors.ts";
import { estimateBytes } from "../lib/estimate_bytes.ts";
import { InputSource } from "./_input.ts";
import { movable } from "./_moved_bytes.ts";
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

/** One call, as its handler sees it. */
export interface HostedCall {
  /** Aborted when the caller cancels. */
  readonly signal: AbortSignal;
  /** Posts news of the call; the caller may leave some out. */
  progress(value: unknown): void;
  /** Asks the isolate that called; rejects with its `AppError`, or when the signal fires. */
  ask(method: string, params: unknown, options: AskOptions): Promise<unknown>;
  /** Bytes streamed in with the call; null for none. */
  readonly input: ReadableStream<Uint8Array> | null;
}

/** Options of {@linkcode HostedCall.ask}. */
export interface AskOptions {
  /** Withdraws the question. */
  readonly signal: AbortSignal;
  /** Whether byte arrays of question and answer move rather than being copied. */
  readonly moves: boolean;
}

/** One implementation per method. */
export type Handlers<M extends Methods> = {
  readonly [K in keyof M]: (
    params: ParamsOf<M, K>,
    call: HostedCall,
  ) => Promise<ResultOf<M, K>>;
};

/** The part of a worker's global scope that the host needs. */
export interface WorkerScope {
  /** As given to `new Worker`; carries the isolate's setup. */
  readonly name: string;
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
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
  const running = new Map<number, RunningCall>();
  const questions = new Questions(scope);
  const post = (message: WorkerMessage, transfer: Transferable[] = []) =>
    scope.postMessage(message, transfer);

  async function run(message: CallMessage): Promise<void> {
    const { id, method } = message;
    const controller = new AbortController();
    const input = message.input
      ? new InputSource((bytes) => post({ v: PROTOCOL_VERSION, type: "credit", id, bytes }))
      : null;
    running.set(id, { controller, input });
    try {
      const schema = Object.hasOwn(methods, method) ? methods[method] : undefined;
      const handler = handlers[method];
      if (schema === undefined || handler === undefined) {
        throw new TypeError(`Cannot call unknown worker method "${method}"`);
      }
      const { signal } = controller;
      const result = await handler(schema.params.parse(message.params), {
        signal,
        progress: (value) => post({ v: PROTOCOL_VERSION, type: "progress", id, value }),
        ask: (asked, params, options) =>
          questions.ask({ call: id, method: asked, params, ...options }),
        input: input?.stream ?? null,
      });
      if (schema.moves === true) {
        const { value, transfer } = movable(result);
        post({ v: PROTOCOL_VERSION, type: "result", id, value }, transfer);
        return;
      }
      if (estimateBytes(result, MAX_RESULT_BYTES) > MAX_RESULT_BYTES) throw resultTooLarge(method);
      post({ v: PROTOCOL_VERSION, type: "result", id, value: result });
    } catch (error) {
      post({ v: PROTOCOL_VERSION, type: "error", id, error: flattenError(error) });
    } finally {
      running.delete(id);
    }
  }

  scope.onmessage = (event) => {
    const message = HostMessage.parse(event.data);
    switch (message.type) {
      case "call":
        return void run(message);
      case "cancel": {
        const reason = new AppError("cancelled", "cancelled", "The call was cancelled");
        return running.get(message.id)?.controller.abort(reason);
      }
      case "answer":
        return questions.answer(message.id, message.value);
      case "refusal":
        return questions.refuse(message.id, unflattenError(message.error));
      default:
        return running.get(message.id)?.input?.receive(message);
    }
  };
  post({ v: PROTOCOL_VERSION, type: "ready" });
}

type CallMessage = HostMessage & { readonly type: "call" };

interface RunningCall {
  readonly controller: AbortController;
  readonly input: InputSource | null;
}

/** Questions to the other isolate that wait for their answers. */
class Questions {
  readonly #scope: WorkerScope;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  constructor(scope: WorkerScope) {
    this.#scope = scope;
  }

  async ask({ call, method, params, signal, moves }: AskOptions & {
    readonly call: number;
    readonly method: string;
    readonly params: unknown;
  }): Promise<unknown> {
    throwIfAborted(signal);
    const question = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(question, waiting);
    const { value, transfer } = moves ? movable(params) : { value: params, transfer: [] };
    const ask = { v: PROTOCOL_VERSION, type: "ask", id: call, question, method, moves };
    this.#scope.postMessage({ ...ask, params: value }, transfer);
    try {
      return await untilAborted(waiting.promise, signal);
    } finally {
      if (this.#waiting.delete(question)) {
        this.#scope.postMessage({ v: PROTOCOL_VERSION, type: "withdraw", id: question });
      }
    }
  }

  answer(question: number, value: unknown): void {
    this.#take(question)?.resolve(value);
  }

  refuse(question: number, error: AppError): void {
    this.#take(question)?.reject(error);
  }

  #take(question: number): PromiseWithResolvers<unknown> | undefined {
    const waiting = this.#waiting.get(question);
    this.#waiting.delete(question);
    return waiting;
  }
}

function resultTooLarge(method: string): AppError {
  return new AppError(
    "too_large",
    "answer_too_large",
    `Cannot answer: the answer would take more than ${MAX_RESULT_BYTES} bytes`,
    { context: { method } },
  );
}
