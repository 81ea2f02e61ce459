/**
 * The main isolate's `JobRunner`: a pool of table isolates, each with one job at a time. Short jobs
 * have an isolate of their own, so that none waits behind a compaction. Tasks of a running job go to
 * isolates that are free; where none is, the job does them itself.
 */
import { abortError } from "../lib/abort.ts";
import { AppError } from "../lib/errors.ts";
import type {
  CommitNote,
  JobProgress,
  JobRunner,
  JobSpec,
  RunJobOptions,
} from "../lib/jobs/mod.ts";
import { QUESTIONS, tableMethods, type TableModules } from "./table_methods.ts";
import { WorkerClient, type WorkerQuestion } from "./worker_client.ts";

/** Jobs that may wait for an isolate; more are refused. */
export const MAX_WAITING_JOBS = 64;
/** How long a job that is asked to stop may take to clean up. */
const STOP_WITHIN_MS = 30_000;
/** A job's time unless its caller says otherwise. */
const DEFAULT_JOB_MS = 6 * 3_600_000;

/** Options of {@linkcode createTablePool}. */
export interface TablePoolOptions {
  /** Isolates for long jobs, at least 1; one more serves short ones. */
  readonly isolates: number;
  /** Bytes that one job may hold. */
  readonly memoryBytes: number;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<TableModules>;
  readonly onCrash: (isolate: string, reason: string) => void;
  /** The isolate's module; tests have their own. */
  readonly worker?: URL;
}

/** A `JobRunner` over isolates. */
export interface TablePool extends JobRunner {
  /** Starts all isolates ahead of the first job. */
  warm(): void;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Starts no isolate yet: the first job, or `warm`, does. */
export function createTablePool(options: TablePoolOptions): TablePool {
  return new Pool(options);
}

type Client = WorkerClient<typeof tableMethods>;

interface Lane {
  readonly free: Client[];
  readonly waiting: ((client: Client) => void)[];
}

class Pool implements TablePool {
  readonly #options: TablePoolOptions;
  readonly #clients: readonly Client[];
  readonly #lanes: Readonly<Record<"short" | "long", Lane>>;

  constructor(options: TablePoolOptions) {
    this.#options = options;
    const short = this.#createClient("table-short");
    const long = Array.from(
      { length: options.isolates },
      (_, i) => this.#createClient(`table-${i}`),
    );
    this.#clients = [short, ...long];
    this.#lanes = {
      short: { free: [short], waiting: [] },
      long: { free: [...long], waiting: [] },
    };
  }

  warm(): void {
    for (const client of this.#clients) client.start();
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async run<P, R>(job: JobSpec<P, R>, params: P, options: RunJobOptions): Promise<R> {
    const lane = this.#lanes[job.lane ?? "long"];
    const client = await acquire(lane, options.signal);
    let note: CommitNote | null = null;
    const helpers = new Helpers(this.#lanes.long);
    try {
      const result = await client.call("job", {
        name: job.name,
        params: job.params.parse(params),
        operationId: options.operationId,
        modules: await this.#options.loadModules(),
      }, {
        signal: options.signal,
        deadlineMs: options.deadlineMs ?? DEFAULT_JOB_MS,
        stopWithinMs: options.stopWithinMs ?? STOP_WITHIN_MS,
        onProgress: (progress) => options.onProgress?.(progress as JobProgress),
        onAsk: (question) =>
          this.#answer(question, options, {
            helpers,
            onNote: (noted) => {
              note = noted;
            },
          }),
        ...(options.input === undefined ? {} : { input: options.input }),
      });
      return job.result.parse(result);
    } catch (error) {
      throw lostAfter(error, note);
    } finally {
      helpers.releaseAll();
      release(lane, client);
    }
  }

  async #answer(
    { method, params, signal }: WorkerQuestion,
    options: RunJobOptions,
    { helpers, onNote }: AskingJob,
  ): Promise<unknown> {
    const { gateway } = options;
    // deno-lint-ignore no-explicit-any -- asked by our own isolate, in the shape of the gateway.
    const asked = params as any;
    switch (method) {
      case QUESTIONS.locate:
        return await gateway.locate(asked.identifier, { signal });
      case QUESTIONS.commit:
        return await gateway.commit(asked.identifier, asked.commit);
      case QUESTIONS.drop:
        return await gateway.drop(asked.location);
      case QUESTIONS.note:
        await options.onCommit?.(asked);
        onNote(asked);
        return null;
      case QUESTIONS.reserve:
        return helpers.reserve();
      case QUESTIONS.task:
        return await this.#runTask(helpers, asked, AbortSignal.any([options.signal, signal]));
      default:
        throw new TypeError(`Cannot answer the question "${method}"`);
    }
  }

  async #runTask(
    helpers: Helpers,
    { isolate, ...task }: {
      readonly isolate: number;
      readonly name: string;
      readonly params: unknown;
      readonly operationId: string;
    },
    signal: AbortSignal,
  ): Promise<unknown> {
    const client = helpers.take(isolate);
    try {
      const modules = await this.#options.loadModules();
      return await client.call("task", { ...task, modules }, {
        signal,
        deadlineMs: DEFAULT_JOB_MS,
        stopWithinMs: STOP_WITHIN_MS,
      });
    } finally {
      release(this.#lanes.long, client);
    }
  }

  #createClient(name: string): Client {
    const { memoryBytes, isolates, permissions, onCrash } = this.#options;
    const url = this.#options.worker ?? new URL("./table.worker.ts", import.meta.url);
    // The setup travels in the name: it is there before the first message, also after a restart.
    const setup = JSON.stringify({ memoryBytes, width: isolates });
    return new WorkerClient({
      name,
      methods: tableMethods,
      spawn: () => new Worker(url, { type: "module", name: setup, deno: { permissions } }),
      onCrash: (reason) => onCrash(name, reason),
    });
  }
}

interface AskingJob {
  readonly helpers: Helpers;
  readonly onNote: (note: CommitNote) => void;
}

/** Isolates that one job has for its tasks. */
class Helpers {
  readonly #lane: Lane;
  readonly #reserved = new Map<number, Client>();
  #next = 1;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  /** Null where none is free. Jobs go first: while one waits, the asker does its tasks itself. */
  reserve(): number | null {
    const client = this.#lane.waiting.length > 0 ? undefined : this.#lane.free.pop();
    if (client === undefined) return null;
    const isolate = this.#next++;
    this.#reserved.set(isolate, client);
    return isolate;
  }

  /** For one task; whoever takes it gives it back to the lane. */
  take(isolate: number): Client {
    const client = this.#reserved.get(isolate);
    if (client === undefined) throw new TypeError(`Cannot use isolate ${isolate}: not reserved`);
    this.#reserved.delete(isolate);
    return client;
  }

  /** The job is over: what it reserved and did not use goes back. */
  releaseAll(): void {
    for (const client of this.#reserved.values()) release(this.#lane, client);
    this.#reserved.clear();
  }
}

async function acquire(lane: Lane, signal: AbortSignal): Promise<Client> {
  const client = lane.free.pop();
  if (client !== undefined) return client;
  if (lane.waiting.length >= MAX_WAITING_JOBS) {
    const message = `Cannot start: ${MAX_WAITING_JOBS} jobs are waiting already`;
    const options = { retryable: true, retryAfterSeconds: 10 };
    throw new AppError("unavailable", "jobs_busy", message, options);
  }
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  const leave = () => {
    const at = lane.waiting.indexOf(resolve);
    if (at !== -1) lane.waiting.splice(at, 1);
    reject(abortError(signal));
  };
  lane.waiting.push(resolve);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function release(lane: Lane, client: Client): void {
  const next = lane.waiting.shift();
  if (next === undefined) lane.free.push(client);
  else next(client);
}

/** An isolate that died with a commit under way: nobody here knows what became of that. */
function lostAfter(error: unknown, note: CommitNote | null): unknown {
  const lost = error instanceof AppError && error.code === "isolate_lost";
  if (!lost || note === null) return error;
  const message = "The isolate ended while it changed the table; the snapshots of the table tell " +
    "whether the change came through";
  return new AppError("commit_state_unknown", "interrupted_while_committing", message, {
    cause: error,
    context: { snapshotIds: note.snapshotIds.join(",") },
  });
}
