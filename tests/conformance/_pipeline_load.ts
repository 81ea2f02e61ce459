/** What goes on while servers of pipelines are killed: appends to the source, and maintenance of all tables. */
import assert from "node:assert/strict";
import { ask, rowsOfIds } from "./_kill_bed.ts";
import { pause } from "./_kill_moments.ts";
import { Tally } from "./_many_writers.ts";
import { NoServer, type PipelineBed } from "./_pipeline_bed.ts";
import { FLOWS, SOURCE } from "./_pipeline_flows.ts";
import type { ServerSlot } from "./_server_slot.ts";
import { type IdRange, WriterLedger } from "./_writer_ledger.ts";

/** Rows of one append. */
const ROWS = 40;
/** Between two appends, and two requests for maintenance. */
const APPEND_EVERY_MS = 120;
const MAINTAIN_EVERY_MS = 250;
/** Looks for rows whose append was not acknowledged, after the first that does not find them. */
const MORE_LOOKS = 3;
const LOOK_EVERY_MS = 200;

/** Statuses with which maintenance may be refused: others were faster, or are at it. */
const BUSY = [409, 429, 503];

/** See the module. */
export class PipelineLoad {
  readonly ledger = new WriterLedger();
  readonly tally = new Tally();
  readonly #bed: PipelineBed;
  readonly #random: () => number;
  /** Servers that are asked nothing, as they are about to fall asleep. */
  readonly #avoided = new Set<ServerSlot>();
  /** Expiries of the source under way; none begins while it is spared. */
  readonly #expiries = new Set<Promise<unknown>>();
  #isSpared = false;
  /** Requests under way, by the server that has them. */
  readonly #asked = new Map<ServerSlot, Set<Promise<unknown>>>();
  #isOver = false;
  #isAbandoned = false;
  #running: Promise<void>[] = [];

  constructor(bed: PipelineBed, random: () => number) {
    this.#bed = bed;
    this.#random = random;
  }

  /** Begins, or goes on. */
  start(): void {
    this.#isOver = false;
    this.#running = [this.#appendAll(), this.#maintainAll(), this.#maintainAll()];
    for (const one of this.#running) {
      one.catch(() => {
        // Whoever stops the load hears of it.
      });
    }
  }

  /** Resolves when nothing is under way any more; rejects where something went wrong. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** Ends where there is no server any more. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#isOver = true;
    await Promise.allSettled(this.#running);
  }

  /** Asks a server nothing any more, and waits for what it has been asked. */
  async avoid(slot: ServerSlot): Promise<void> {
    this.#avoided.add(slot);
    await Promise.allSettled(this.#asked.get(slot) ?? []);
  }

  /** Asks it again. */
  allow(slot: ServerSlot): void {
    this.#avoided.delete(slot);
  }

  /** Does something during which the source is not expired: who reads it does not hold it then. */
  async sparing(work: () => Promise<void>): Promise<void> {
    this.#isSpared = true;
    try {
      await Promise.allSettled(this.#expiries);
      await work();
    } finally {
      this.#isSpared = false;
    }
  }

  async #appendAll(): Promise<void> {
    while (!this.#isOver) {
      const range = this.ledger.claim(ROWS);
      const status = await this.#ask(`/table/${SOURCE}/append`, rowsOfIds(range));
      if (status?.status === 200) this.tally.count("appends acknowledged");
      const isThere = status?.status === 200 || await this.#isThere(range);
      // What is not there comes no more: its server is dead, or has said so. Its ids are left out.
      if (isThere) this.ledger.appended(range);
      if (status?.status !== 200) {
        const why = status === null ? "not answered" : `refused (${status.answer["code"]})`;
        this.tally.count(`appends ${why}, rows ${isThere ? "there" : "not there"}`);
      }
      await pause(APPEND_EVERY_MS);
    }
  }

  /** Whether rows are there whose append may have come through. */
  async #isThere({ first, count }: IdRange): Promise<boolean> {
    const sql = `SELECT count(*) AS n FROM ${SOURCE} WHERE id BETWEEN ${first} AND ${
      first + count - 1
    }`;
    for (let nothing = 0; nothing < MORE_LOOKS && !this.#isAbandoned;) {
      const found = await this.#ask("/query", { sql });
      if (found?.status === 200) {
        const n = Number((found.answer["rows"] as readonly { n: unknown }[])[0]?.n);
        assert([0, count].includes(n), `${n} of ${count} rows of an append are there`);
        if (n > 0) return true;
        nothing++;
      }
      await pause(LOOK_EVERY_MS);
    }
    return false;
  }

  async #maintainAll(): Promise<void> {
    const tables = [SOURCE, ...FLOWS.map(({ sink }) => sink)];
    while (!this.#isOver) {
      const table = tables[Math.floor(this.#random() * tables.length)]!;
      const { path, body } = this.#maintenance(table);
      const isExpiry = table === SOURCE && path === "/expire";
      if (isExpiry && this.#isSpared) continue;
      const asked = this.#ask(path, body);
      if (isExpiry) this.#expiries.add(asked);
      const reply = await asked.finally(() => this.#expiries.delete(asked));
      if (reply !== null) this.#count(path, reply);
      await pause(MAINTAIN_EVERY_MS);
    }
  }

  #maintenance(table: string): { readonly path: string; readonly body: unknown } {
    const pick = this.#random();
    if (pick < 0.35) {
      return { path: "/compact", body: { table, options: { "min-input-files": 2 } } };
    }
    if (pick < 0.45) return { path: "/rewrite-manifests", body: { table } };
    const retain = 1 + Math.floor(this.#random() * 3);
    const body = { table, retain_last: retain, older_than: "2100-01-01T00:00:00Z" };
    return { path: "/expire", body };
  }

  #count(path: string, { status, answer }: Reply): void {
    // A sink is made with its first batch.
    if (status === 404) return;
    if (status !== 200) {
      const known = BUSY.includes(status) || answer["code"] === "commit_state_unknown";
      assert(known, `${path} gave ${status}: ${JSON.stringify(answer)}`);
      return this.tally.count(`${path} refused (${answer["code"]})`);
    }
    const details = JSON.parse(String(answer["details_json"]));
    this.tally.count(`${path} done`);
    const expired: readonly unknown[] = details["expired_snapshot_ids"] ?? [];
    this.tally.count("snapshots expired", expired.length);
    const held: readonly { readonly held_by: string }[] = details["held_back"] ?? [];
    if (held.some(({ held_by }) => held_by.includes("pipeline"))) {
      this.tally.count("expiries held back by pipelines");
    }
  }

  /** Asks any server; null where the line was cut, or there is none. */
  async #ask(path: string, body: unknown): Promise<Reply | null> {
    let server: ReturnType<PipelineBed["anyServer"]>;
    try {
      server = this.#bed.anyServer(this.#avoided);
    } catch (error) {
      if (error instanceof NoServer) return null;
      throw error;
    }
    const { slot } = server;
    const reply = ask(server, path, { body }).catch((error: unknown) => {
      // Its server was killed.
      if (error instanceof TypeError) return null;
      throw error;
    });
    const asked = this.#asked.get(slot) ?? new Set();
    this.#asked.set(slot, asked.add(reply));
    try {
      return await reply;
    } finally {
      asked.delete(reply);
    }
  }
}

type Reply = Awaited<ReturnType<typeof ask>>;
