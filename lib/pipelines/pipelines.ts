/** The verbs on pipelines. */
import type { CallContext } from "../access/mod.ts";
import type {
  PipelineHistory,
  PipelineList,
  PipelineView,
  StartPipelineRequest,
} from "./contract/requests.ts";

/** Which part of a list is wanted. */
export interface PipelinePage {
  readonly limit: number;
  readonly cursor: string | null;
}

/** See the module. An unknown pipeline is `not_found`/`pipeline_not_found`. */
export interface Pipelines {
  /**
   * Starts a pipeline, or one again that has stopped or failed and has the same checkpoint. DataEngineer.
   * Resolves once it has got going. The same request with the same idempotency key starts it once, for
   * as long as the pipeline is known. Errors: `conflict`/`pipeline_running`, `checkpoint_taken`,
   * `pipelines_in_circle`, `pipelines_too_many`; `unavailable`/`pipelines_full`;
   * `invalid`/`idempotency_key_reused`; and those of its first look at its tables.
   */
  start(
    ctx: CallContext,
    request: StartPipelineRequest,
    idempotencyKey: string | null,
  ): Promise<PipelineView>;
  /**
   * Stops one, after the batch under way where that ends in time. DataEngineer. Resolves when it has
   * stopped, or is about to on another server; one that has stopped already is no error.
   */
  stop(ctx: CallContext, id: string): Promise<PipelineView>;
  /** Auditor. */
  status(ctx: CallContext, id: string): Promise<PipelineView>;
  /** Oldest first. Auditor. */
  list(ctx: CallContext, page: PipelinePage): Promise<PipelineList>;
  /** The last batches, newest first. Auditor. */
  history(ctx: CallContext, of: PipelinePage & { readonly id: string }): Promise<PipelineHistory>;
  /**
   * Forgets one that has stopped or failed. DataEngineer. The sink keeps its place: a pipeline that is
   * started with the same checkpoint goes on from there. Errors: `conflict`/`pipeline_running`.
   */
  remove(ctx: CallContext, id: string): Promise<void>;
  /** Pipelines that this server runs. */
  running(): number;
  /** Those of them that have something to do and wait for their turn: too many are busy at a time. */
  ticksWaiting(): number;
  /** Ends what this server runs; others, or its successor, go on with it. */
  close(): Promise<void>;
}
