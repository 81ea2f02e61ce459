/** Sends commits and, where a reply is lost, finds out what became of them. */
import { AppError } from "../../errors.ts";
import { formatIdentifier, type LoadedTable } from "../ports.ts";
import {
  appliesAtMostOnce,
  type CommitInDoubt,
  excludesSuccessors,
  judgeCommit,
} from "./commit_evidence.ts";
import type { CommitRuntime } from "./commit_runtime.ts";
import { statusCheckPolicy, waitBefore } from "./_retry_policy.ts";
import { CommitNotSent, type TableChange, type TableStore } from "./table_store.ts";

/** Options of {@linkcode CommitSender}. */
export interface CommitSenderOptions {
  readonly operationId: string;
  readonly runtime: CommitRuntime;
  readonly signal?: AbortSignal;
  readonly onProblem: (problem: { readonly what: string; readonly error: unknown }) => void;
}

/** Options of {@linkcode CommitSender.send}. */
export interface SendOptions {
  readonly commitId: string;
  /** Waits for another try; throws the error where there is none left. */
  readonly pause: (error: unknown) => Promise<void>;
}

/** What became of a change: committed, on top of `base`; or another one must be made. */
export type SendResult =
  | { readonly kind: "committed"; readonly table: LoadedTable; readonly base: LoadedTable }
  | { readonly kind: "retry"; readonly error: unknown };

/** What a table says of all commits in doubt. `clear`: none is left. */
type Review =
  | { readonly kind: "landed"; readonly base: LoadedTable }
  | { readonly kind: "clear" | "pending" | "unknown" };

/** Sends the commits of one transaction, one at a time. */
export class CommitSender {
  readonly #store: TableStore;
  readonly #options: CommitSenderOptions;
  #doubts: readonly CommitInDoubt[] = [];
  #sent = 0;

  constructor(store: TableStore, options: CommitSenderOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Whether a commit was sent of which it is not known that it cannot happen any more. */
  get isInDoubt(): boolean {
    return this.#doubts.length > 0;
  }

  /** Commits sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends a change until it is known what became of it; throws where that cannot be known. */
  async send(base: LoadedTable, change: TableChange, options: SendOptions): Promise<SendResult> {
    const { operationId } = this.#options;
    const { commitId, pause } = options;
    while (true) {
      this.#sent++;
      let failure: unknown;
      try {
        const table = await this.#store.commit(base, change, { operationId, commitId });
        this.#doubts = [];
        return { kind: "committed", table, base };
      } catch (error) {
        failure = error instanceof CommitNotSent ? error.cause : error;
        if (mayHaveHappened(error)) this.#doubt({ base, change, failure });
      }
      if (!this.isInDoubt) {
        if (isConflict(failure)) return { kind: "retry", error: failure };
        throw failure;
      }
      const seen = await this.#look(base);
      if (seen.kind === "landed") return { ...seen, kind: "committed" };
      const { step, error } = this.#nextStep(seen.kind, failure, base);
      if (step === "make anew") return { kind: "retry", error };
      await pause(error);
    }
  }

  /**
   * What `table`, just loaded, says of commits in doubt: the base of one that came through, null
   * where folding anew can double none. Throws where that is not certain.
   */
  landedOn(table: LoadedTable): LoadedTable | null {
    const review = this.#review(table);
    if (review.kind === "landed") return review.base;
    if (review.kind === "unknown") throw stateUnknown(table, null);
    return null;
  }

  #nextStep(
    kind: "clear" | "pending" | "unknown",
    failure: unknown,
    base: LoadedTable,
  ): { readonly step: "make anew" | "send again"; readonly error: unknown } {
    if (kind === "clear") {
      if (isConflict(failure)) return { step: "make anew", error: failure };
      if (isStateUnknown(failure)) return { step: "make anew", error: overtaken(base, failure) };
      throw failure;
    }
    const error = stateUnknown(base, failure);
    if (kind === "unknown") throw error;
    if (isStateUnknown(failure) && this.#doubts.every(appliesAtMostOnce)) {
      return { step: "send again", error };
    }
    // Sent again, it lost to another commit, and the first one is still on its way.
    if (isConflict(failure) && this.#doubts.every(excludesSuccessors)) {
      return { step: "make anew", error };
    }
    throw error;
  }

  #doubt({ base, change, failure }: {
    readonly base: LoadedTable;
    readonly change: TableChange;
    readonly failure: unknown;
  }): void {
    const location = failure instanceof AppError ? failure.context["metadataLocation"] : undefined;
    const metadataLocation = typeof location === "string" ? location : null;
    const known = this.#doubts.some((one) =>
      one.change === change && one.metadataLocation === metadataLocation
    );
    if (!known) this.#doubts = [...this.#doubts, { base, change, metadataLocation }];
  }

  /** Looks at the table, again and again while that may tell more. */
  async #look(
    base: LoadedTable,
  ): Promise<
    | { readonly kind: "landed"; readonly base: LoadedTable; readonly table: LoadedTable }
    | { readonly kind: "clear" | "pending" | "unknown" }
  > {
    const { runtime, signal } = this.#options;
    const policy = statusCheckPolicy(base.metadata.properties);
    const startedMs = runtime.clock.now();
    let kind: "pending" | "unknown" = "unknown";
    for (let check = 1;; check++) {
      const table = await this.#loadToLook();
      if (table !== null) {
        const review = this.#review(table);
        if (review.kind === "landed") return { ...review, table };
        if (review.kind === "clear") return review;
        kind = review.kind;
      }
      const waitMs = waitBefore(check, policy, runtime);
      const endMs = runtime.clock.now() + waitMs;
      const isOver = check > policy.numRetries || endMs - startedMs > policy.totalTimeoutMs;
      if (isOver || signal?.aborted === true) return { kind };
      try {
        await runtime.sleep(waitMs, signal);
      } catch (error) {
        this.#options.onProblem({ what: "wait for the table", error });
        return { kind };
      }
    }
  }

  /** One last look is allowed to those who were told to stop: they leave less behind. */
  async #loadToLook(): Promise<LoadedTable | null> {
    const { signal } = this.#options;
    try {
      return await this.#store.load(signal?.aborted === true ? undefined : signal);
    } catch (error) {
      this.#options.onProblem({ what: "look at the table", error });
      return null;
    }
  }

  #review(table: LoadedTable): Review {
    const left: CommitInDoubt[] = [];
    let isUnknown = false;
    for (const doubt of this.#doubts) {
      const verdict = judgeCommit(table, doubt);
      if (verdict === "committed") {
        this.#doubts = [];
        return { kind: "landed", base: doubt.base };
      }
      if (verdict === "dead") continue;
      left.push(doubt);
      isUnknown ||= verdict === "unknown";
    }
    this.#doubts = left;
    if (left.length === 0) return { kind: "clear" };
    return { kind: isUnknown ? "unknown" : "pending" };
  }
}

/** Whether an error says that another commit came first and that nothing was changed. */
export function isConflict(error: unknown): boolean {
  return error instanceof AppError && error.kind === "conflict" && error.retryable;
}

/** Whether an error leaves open what happened. */
export function isStateUnknown(error: unknown): boolean {
  return error instanceof AppError && error.kind === "commit_state_unknown";
}

/** The error of a commit that may or may not have happened. */
export function stateUnknown(table: LoadedTable, cause: unknown): AppError {
  return new AppError(
    "commit_state_unknown",
    "commit_state_unknown",
    `Cannot tell whether the change of table "${formatIdentifier(table.identifier)}" was ` +
      "committed: the reply was lost and the table does not show it; look at the table before " +
      "trying again",
    { cause },
  );
}

/**
 * Stores promise that errors other than these changed nothing. Where a call was cut short, or broke
 * in a way that nobody foresaw, a look at the table costs little and a wrong guess costs files.
 */
function mayHaveHappened(error: unknown): boolean {
  if (error instanceof CommitNotSent) return false;
  if (!(error instanceof AppError)) return true;
  const kinds = ["commit_state_unknown", "cancelled", "deadline_exceeded", "internal"];
  return kinds.includes(error.kind);
}

function overtaken(base: LoadedTable, cause: unknown): AppError {
  return new AppError(
    "conflict",
    "commit_conflict",
    `Cannot commit to table "${formatIdentifier(base.identifier)}": the reply was lost, and the ` +
      "table shows that another commit came first",
    { cause, retryable: true },
  );
}
