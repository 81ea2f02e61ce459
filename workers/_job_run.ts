/** One run of a job, as the main isolate follows it: what it has opened, tried to commit, and lost. */
import type { TableLocation } from "../lib/catalog/mod.ts";
import { AppError } from "../lib/errors.ts";
import { formatIdentifier } from "../lib/iceberg/ports.ts";
import type { CommitNote, RunJobOptions } from "../lib/jobs/mod.ts";
import { type Answers, answerTo } from "./_asking.ts";
import type { Helpers } from "./_lane.ts";
import type { TableIsolate } from "./_table_isolate.ts";
import { type TableQuestions, tableQuestions } from "./table_methods.ts";
import type { WorkerQuestion } from "./worker_client.ts";

/** Options of {@linkcode RunTask}. */
export interface RunTaskOptions {
  readonly signal: AbortSignal;
  /** Answers what the task asks. */
  readonly onAsk: (question: WorkerQuestion) => Promise<unknown>;
}

/** Runs a task on an isolate that the job has reserved. */
export type RunTask = (
  isolate: TableIsolate,
  task: { readonly name: string; readonly params: unknown },
  options: RunTaskOptions,
) => Promise<{ readonly value: unknown; readonly written: string[] }>;

/** Options of {@linkcode JobRun}. */
export interface JobRunOptions {
  readonly job: RunJobOptions;
  readonly helpers: Helpers<TableIsolate>;
  readonly runTask: RunTask;
}

/** What tasks may ask: they read tables and write files, and the job commits. */
const TASK_QUESTIONS: ReadonlySet<string> = new Set<keyof TableQuestions>([
  "catalog.locate",
  "opened",
  "leftovers",
]);

/** Where a commit of the job stands. */
export type CommitStage = "none" | "trying" | "refused" | "landed";

/** See the top of this file. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #answers: Answers<TableQuestions>;
  readonly #tables: TableLocation[] = [];
  #note: CommitNote | null = null;
  #stage: CommitStage = "none";
  #hasLanded = false;
  /** Calls of the catalog under way, with what is known of their outcome. */
  readonly #catalogCalls = new Set<Promise<unknown>>();
  #isCatalogUnsure = false;
  #leftBehind = false;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.#answers = this.#answerAll();
  }

  /** Tables that the job opened for changing. */
  get tables(): readonly TableLocation[] {
    return this.#tables;
  }

  /** The commit that was tried last. */
  get note(): CommitNote | null {
    return this.#note;
  }

  get stage(): CommitStage {
    return this.#stage;
  }

  /** Whether a commit of the job came through, as far as the job said. */
  get hasLanded(): boolean {
    return this.#hasLanded;
  }

  /** Whether files were left that the job itself, or a task of it, could not remove. */
  get hasLeftovers(): boolean {
    return this.#leftBehind;
  }

  /** Whether a catalog call ended without anybody knowing what it did. */
  get isCatalogUnsure(): boolean {
    return this.#isCatalogUnsure;
  }

  /** Resolves once the catalog has answered everything that it was asked. */
  async catalogSettled(): Promise<void> {
    await Promise.allSettled([...this.#catalogCalls]);
  }

  answer(question: WorkerQuestion): Promise<unknown> {
    return answerTo(tableQuestions, question, { answers: this.#answers });
  }

  async #answerTask(question: WorkerQuestion): Promise<unknown> {
    if (TASK_QUESTIONS.has(question.method)) return await this.answer(question);
    throw new TypeError(`Cannot answer the question "${question.method}" of a task`);
  }

  #answerAll(): Answers<TableQuestions> {
    const { job, helpers } = this.#options;
    const { gateway } = job;
    return {
      "catalog.locate": ({ identifier }, signal) => gateway.locate(identifier, { signal }),
      "catalog.commit": ({ identifier, commit }) =>
        this.#callCatalog(gateway.commit(identifier, commit)),
      "catalog.drop": async ({ location }) => {
        await this.#callCatalog(gateway.drop(location));
        return null;
      },
      opened: ({ location }) => {
        const name = formatIdentifier(location.identifier);
        const isKnown = this.#tables.some((one) => formatIdentifier(one.identifier) === name);
        if (!isKnown) this.#tables.push(location);
        return null;
      },
      committing: async (note) => {
        await job.onCommit?.(note);
        this.#note = note;
        this.#stage = "trying";
        return null;
      },
      committed: ({ landed }) => {
        this.#stage = landed ? "landed" : "refused";
        this.#hasLanded ||= landed;
        return null;
      },
      leftovers: () => {
        this.#leftBehind = true;
        return null;
      },
      reserve: () => helpers.reserve(),
      task: async ({ isolate, ...task }, signal) => await this.#runTask(isolate, task, signal),
    };
  }

  async #runTask(isolate: number, task: { name: string; params: unknown }, signal: AbortSignal) {
    const { helpers, runTask, job } = this.#options;
    const either = AbortSignal.any([job.signal, signal]);
    const onAsk = (question: WorkerQuestion) => this.#answerTask(question);
    try {
      return await runTask(helpers.take(isolate), task, { signal: either, onAsk });
    } catch (error) {
      // What it had written is nobody's; the isolate is not there to remove it.
      if (error instanceof AppError && error.code === "isolate_lost") this.#leftBehind = true;
      throw error;
    }
  }

  async #callCatalog<T>(call: Promise<T>): Promise<T> {
    this.#catalogCalls.add(call);
    try {
      return await call;
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === "commit_state_unknown") {
        this.#isCatalogUnsure = true;
      }
      throw error;
    } finally {
      this.#catalogCalls.delete(call);
    }
  }
}
