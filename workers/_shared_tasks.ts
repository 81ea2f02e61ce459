/** Tasks of a job, shared out among the isolates that are free and its own. */
import { throwIfAborted, untilAborted } from "../lib/abort.ts";
import type { JobSpec, TaskPool } from "../lib/jobs/mod.ts";
import type { Ask } from "./_asking.ts";
import type { TableQuestions } from "./table_methods.ts";

/** A task as it crosses to where it runs. */
export interface TaskCall {
  readonly name: string;
  readonly params: unknown;
}

/** Runs a task in this isolate. */
export type RunHere = (
  task: TaskCall,
  signal: AbortSignal,
) => Promise<{ readonly value: unknown; readonly written: readonly string[] }>;

/** Options of {@linkcode SharedTasks}. */
export interface SharedTasksOptions {
  readonly width: number;
  readonly ask: Ask<TableQuestions>;
  readonly runHere: RunHere;
  /** Told what a task wrote: it is the job's. */
  readonly onWritten: (locations: readonly string[]) => void;
}

/**
 * See {@linkcode TaskPool}. One task at a time runs here: two would only share the time and double
 * the memory. Tasks beyond that wait for whichever isolate is free first.
 */
export class SharedTasks implements TaskPool {
  readonly width: number;
  readonly #options: SharedTasksOptions;
  #isBusyHere = false;
  /** Called whenever one of this job's tasks is over. */
  #waiting: (() => void)[] = [];

  constructor(options: SharedTasksOptions) {
    this.width = options.width;
    this.#options = options;
  }

  async run<P, R>(task: JobSpec<P, R>, params: P, signal: AbortSignal): Promise<R> {
    const call = { name: task.name, params: task.params.parse(params) };
    const { value, written } = await this.#place(call, signal);
    this.#options.onWritten(written);
    return task.result.parse(value);
  }

  async #place(task: TaskCall, signal: AbortSignal): ReturnType<RunHere> {
    for (;;) {
      throwIfAborted(signal);
      const isolate = await this.#options.ask("reserve", null, signal);
      if (isolate !== null) {
        return await this.#over(this.#options.ask("task", { isolate, ...task }, signal));
      }
      if (!this.#isBusyHere) {
        this.#isBusyHere = true;
        const here = this.#options.runHere(task, signal);
        return await this.#over(here.finally(() => this.#isBusyHere = false));
      }
      await untilAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
    }
  }

  async #over<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }
}
