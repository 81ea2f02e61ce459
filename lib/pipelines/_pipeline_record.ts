/** What is recorded of a pipeline while this server runs it, and shown to those who watch. */
import type { CatalogConfig } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { isChangeUnderWay } from "../operations/mod.ts";
import { hold, pinsOf, release } from "../pins/mod.ts";
import type { State, Transaction } from "../state/mod.ts";
import { type PipelineRow, toMetrics } from "./_row.ts";
import { insertBatch, isOwner, type Ownership, savePipeline } from "./_store.ts";
import type { BatchMetrics } from "./contract/metrics.ts";
import type { PipelineHub } from "./hub.ts";
import { nextState, type PipelineEvent } from "./state_machine.ts";

/** How long a pipeline that failed still holds what it needs of its source. */
const FAILED_PIN_MS = 7 * 24 * 3_600_000;

/** What a record stands on. */
export interface PipelineRecordDeps {
  readonly state: State;
  readonly hub: PipelineHub;
  readonly clock: Clock;
  readonly instance: string;
  /** The one that is configured now; its name begins those of tables as clients see them. */
  readonly catalog: () => CatalogConfig;
}

/** What is new; what is left out stays as it is. */
export type RecordChanges = Partial<
  Pick<
    PipelineRow,
    | "desired"
    | "epoch"
    | "failing_since"
    | "failures"
    | "figures"
    | "instance"
    | "last_error"
    | "place"
    | "restarts"
    | "sink_uuid"
    | "source_uuid"
    | "until_snapshot_id"
  >
>;

/** What goes into the same transaction. */
export interface RecordExtras {
  /** A batch for the history. */
  readonly batch?: BatchMetrics;
  /** The snapshot of the source that is needed from now on; null for none that is known. */
  readonly needed?: bigint | null;
}

/** Operations that take away what a pin keeps, if they had begun before. */
const PIN_BREAKERS = ["expire", "drop-table", "rollback"];

/** See the module. */
export class PipelineRecord {
  readonly #deps: PipelineRecordDeps;
  #owner: Ownership;
  #row: PipelineRow;
  #recorded: PipelineRow;
  /** Whether nobody can be at taking away what is needed; so it was where the server before had got going. */
  #isHeld: boolean;
  /** What the last tick said that the stream needs; undefined before the first. */
  #needed: bigint | null | undefined;

  /** `row` is one that this server has just taken. */
  constructor(row: PipelineRow, deps: PipelineRecordDeps) {
    this.#deps = deps;
    this.#row = this.#recorded = row;
    this.#isHeld = row.state === "running" || row.state === "idle";
    this.#owner = { id: row.id, instance: deps.instance, epoch: row.epoch };
  }

  /** As it is recorded, and in between as it is shown. */
  get row(): PipelineRow {
    return this.#row;
  }

  /** The snapshot from which on the source is kept, in decimal; null for none. */
  get held(): string | null {
    return this.#needed === undefined || this.#needed === null ? null : String(this.#needed);
  }

  /** As it was recorded last. */
  get recorded(): PipelineRow {
    return this.#recorded;
  }

  /** Shows a state that is over before anybody would read it from the state. */
  show(event: PipelineEvent): void {
    const state = nextState(this.#row.state, event);
    if (state === null || state === this.#row.state) return;
    this.#row = this.#next(state, {});
    this.#publish();
  }

  /**
   * Records what has happened; an event that means nothing in this state changes the rest only.
   * Rejects with `conflict`/`stream_fenced` where another server runs the pipeline now, and with
   * `unavailable`/`source_busy` while the source is changed by somebody who does not know that it is
   * needed: then nothing is recorded, but those that come later do know.
   */
  async move(
    event: PipelineEvent | null,
    changes: RecordChanges = {},
    extras: RecordExtras = {},
  ): Promise<void> {
    const to = event === null ? null : nextState(this.#row.state, event);
    const next = this.#next(to ?? this.#row.state, changes);
    const isBusy = await this.#deps.state.transaction(async (tx) => {
      if (await this.#isLate(tx, next, extras)) {
        if (!await isOwner(tx, this.#owner)) throw taken();
        await this.#pin(tx, next, extras);
        return true;
      }
      if (!await savePipeline(tx, next, this.#owner)) throw taken();
      if (extras.batch !== undefined) {
        await insertBatch(tx, { id: next.id, batch: extras.batch, nowMs: next.updated_at });
      }
      await this.#pin(tx, next, extras);
      return false;
    });
    if (isBusy) throw busy();
    this.#row = this.#recorded = next;
    this.#owner = { ...this.#owner, epoch: next.epoch };
    if (extras.needed !== undefined) {
      this.#isHeld = true;
      this.#needed = extras.needed;
    }
    this.#publish();
  }

  /** Opens it, and holds on to what the stream needs before it is read. Rejects as `move` does. */
  async open(): Promise<void> {
    const needed = this.#needed ?? neededBy(this.#row);
    const isOpen = (this.#isHeld || needed === null) && this.#row.state !== "starting";
    if (isOpen) return;
    // Of a stream that has read nothing the next tick says what to hold; what is held is kept.
    await this.move("opened", {}, needed === null ? {} : { needed });
  }

  /** Rejects with `conflict`/`stream_fenced` where another server runs the pipeline now. */
  async requireOwner(): Promise<void> {
    if (!await isOwner(this.#deps.state, this.#owner)) throw taken();
  }

  #next(state: PipelineRow["state"], changes: RecordChanges): PipelineRow {
    const nowMs = this.#deps.clock.now();
    return {
      ...this.#row,
      ...changes,
      state,
      state_since: state === this.#row.state ? this.#row.state_since : nowMs,
      version: this.#row.version + 1,
      // A clock that was set back must not hide news from those who ask for what is newer.
      updated_at: Math.max(nowMs, this.#row.updated_at),
    };
  }

  /** Whether something is needed that may be taken away already, by somebody who had leave to. */
  async #isLate(tx: Transaction, row: PipelineRow, { needed }: RecordExtras): Promise<boolean> {
    if (needed === undefined || row.state === "stopped" || row.state === "failed") return false;
    const before = this.#needed ?? neededBy(this.#recorded);
    if (this.#isHeld && (before !== null || needed === null)) return false;
    if (this.#isHeld && await this.#holdsFirst(tx)) return false;
    return await isChangeUnderWay(tx, { table: row.source_table, kinds: PIN_BREAKERS });
  }

  /** Whether the server before held a snapshot for a stream that has read none. */
  async #holdsFirst(tx: Transaction): Promise<boolean> {
    const { id, source_table: table, source_uuid: uuid, updated_at: nowMs } = this.#recorded;
    const pins = await pinsOf(tx, { table, nowMs });
    return pins.some(({ holder, tableUuid, snapshotId }) =>
      holder === holderOf(id) && tableUuid === uuid && snapshotId !== null
    );
  }

  /** Keeps what the stream still needs of its source, and the sink from being dropped. */
  async #pin(tx: Transaction, row: PipelineRow, { needed }: RecordExtras): Promise<void> {
    const holder = holderOf(row.id);
    if (row.state === "stopped") return await release(tx, holder);
    const untilMs = row.state === "failed" ? row.updated_at + FAILED_PIN_MS : null;
    const shared = { holder, name: row.sink_table, untilMs, atMs: row.updated_at };
    if (needed === undefined && untilMs === null) return;
    const snapshotId = needed ?? this.#needed ?? neededBy(row);
    await hold(tx, {
      ...shared,
      table: row.source_table,
      tableUuid: row.source_uuid,
      snapshotId,
    });
    await hold(tx, {
      ...shared,
      table: row.sink_table,
      tableUuid: row.sink_uuid,
      snapshotId: null,
    });
  }

  #publish(): void {
    this.#deps.hub.publish(toMetrics(this.#row, this.#deps.catalog()));
  }
}

function holderOf(id: string): string {
  return `pipeline ${id}`;
}

function neededBy({ place }: PipelineRow): bigint | null {
  const id = place?.position.snapshot_id ?? null;
  return id === null ? null : BigInt(id);
}

function busy(): AppError {
  const message =
    "Cannot begin to read the source: an expiry, a rollback or a drop of it is under way";
  return new AppError("unavailable", "source_busy", message, { retryable: true });
}

/** Another server has taken the pipeline over. */
function taken(): AppError {
  const message = "Cannot go on: another server has taken the pipeline over";
  return new AppError("conflict", "stream_fenced", message);
}
