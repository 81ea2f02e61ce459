/**
 * How servers of pipelines are hit: killed at random, in windows of a batch, while they start, both
 * at once; or put to sleep until another server has gone on in their place.
 */
import assert from "node:assert/strict";
import { filesBelow, pause, stepUntil } from "./_kill_moments.ts";
import { type PipelineBed, StateLocked } from "./_pipeline_bed.ts";
import { type Flow, FLOWS } from "./_pipeline_flows.ts";
import type { PipelineLoad } from "./_pipeline_load.ts";
import {
  currentMetadata,
  readMetadata,
  TICK_WINDOWS,
  TickEye,
  type TickSight,
  type TickWindow,
} from "./_pipeline_moments.ts";
import type { ServerSlot } from "./_server_slot.ts";

/** When and how to hit. */
export type StrikeAim =
  /** After a time, the one that runs the pipeline or the other. */
  | { readonly kind: "time"; readonly afterMs: number; readonly bystander: boolean }
  | { readonly kind: "window"; readonly window: TickWindow }
  /** The owner starts anew, and is killed after a time. */
  | { readonly kind: "start"; readonly afterMs: number }
  | { readonly kind: "both"; readonly afterMs: number }
  /** It stands still in a window until another has committed in its place. */
  | { readonly kind: "sleep"; readonly window: TickWindow; readonly isNoticedAtOnce: boolean };

/** What was hit. */
export interface Struck {
  readonly kills: number;
  /** By pipeline, what the hit server was at with it; of the pipelines that it ran. */
  readonly windows: ReadonlyMap<Flow, TickWindow>;
  /** Of one that slept: what became of the batch that it was at. */
  readonly zombie: "refused" | "refused, with files left" | "recorded late" | null;
}

/** What strikes are made in. */
export interface Field {
  readonly bed: PipelineBed;
  readonly load: PipelineLoad;
}

/** How long a window is waited for. */
const WINDOW_WITHIN_MS = 8_000;
/** Until others have gone on in the place of one that sleeps, its silence included. */
const TAKEN_WITHIN_MS = 120_000;
/** Until one that has woken up has heard that it is late. */
const AWAKE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Hits a server that runs `flow`, or another one, as aimed; one that is killed is not there afterwards. */
export async function strikePipelines(
  field: Field,
  flow: Flow,
  aim: StrikeAim,
): Promise<Struck> {
  const { bed } = field;
  const owner = await ownerOf(bed, flow);
  const other = bed.slots.find((slot) => slot !== owner)!;
  switch (aim.kind) {
    case "time": {
      const eyes = new Eyes(bed);
      await eyes.untilGoing(flow);
      await pause(aim.afterMs);
      return await eyes.kill([aim.bystander ? other : owner]);
    }
    case "both": {
      const eyes = new Eyes(bed);
      await eyes.untilGoing(flow);
      await pause(aim.afterMs);
      return await eyes.kill([owner, other]);
    }
    case "start": {
      const eyes = new Eyes(bed);
      const first = await eyes.kill([owner]);
      await owner.begin();
      await pause(aim.afterMs);
      const second = await eyes.kill([owner]);
      return { ...second, kills: first.kills + second.kills };
    }
    case "window": {
      const eyes = new Eyes(bed);
      if (aim.window !== "taken") await eyes.untilGoing(flow);
      await eyes.stalk(owner, flow, aim.window);
      return await eyes.kill([owner]);
    }
    case "sleep":
      return await putToSleep(field, flow, { aim, owner });
  }
}

/** Waits for a server that has taken the pipeline. */
async function ownerOf(bed: PipelineBed, flow: Flow): Promise<ServerSlot> {
  const giveUpAt = performance.now() + TAKEN_WITHIN_MS;
  for (;;) {
    const owner = bed.ownerOf(flow);
    if (owner !== null && owner.url !== null) return owner;
    const nobody = `nobody runs the pipeline: ${JSON.stringify(bed.record(flow))}`;
    assert(performance.now() < giveUpAt, nobody);
    await bed.ensureRunning(flow);
    await pause(LOOK_EVERY_MS);
  }
}

/** Looks at all pipelines. */
class Eyes {
  readonly #bed: PipelineBed;
  readonly #eyes: ReadonlyMap<Flow, TickEye>;

  constructor(bed: PipelineBed) {
    this.#bed = bed;
    this.#eyes = new Map(FLOWS.map((flow) => [flow, new TickEye(bed, flow)]));
  }

  look(flow: Flow): TickSight {
    return this.#eyes.get(flow)!.look();
  }

  /** Waits until the server that has taken the pipeline has committed something, but not for long. */
  async untilGoing(flow: Flow): Promise<void> {
    const giveUpAt = performance.now() + WINDOW_WITHIN_MS;
    while (this.isAt(flow, "taken") && performance.now() < giveUpAt) await pause(LOOK_EVERY_MS);
  }

  /** Whether the pipeline is in a window; nobody can tell while a server has locks. */
  isAt(flow: Flow, window: TickWindow): boolean {
    try {
      return this.look(flow).window === window;
    } catch (error) {
      if (error instanceof StateLocked) return false;
      throw error;
    }
  }

  /** Has the server stand still in the window; it stands still too where that does not come. */
  async stalk({ life }: ServerSlot, flow: Flow, window: TickWindow): Promise<boolean> {
    const giveUpAt = performance.now() + WINDOW_WITHIN_MS;
    return await stepUntil(life!, {
      hasCome: () => this.isAt(flow, window),
      isOver: () => performance.now() > giveUpAt,
    });
  }

  /** Kills servers, and tells what they were at. */
  async kill(slots: readonly ServerSlot[]): Promise<Struck> {
    const instances = new Set(slots.flatMap(({ life }) => life?.instance ?? []));
    await Promise.all(slots.map((slot) => slot.kill()));
    const windows = new Map<Flow, TickWindow>();
    for (const flow of FLOWS) {
      const { window } = this.look(flow);
      if (instances.has(this.#bed.record(flow).instance ?? "")) windows.set(flow, window);
    }
    return { kills: slots.length, windows, zombie: null };
  }
}

async function putToSleep(
  { bed, load }: Field,
  flow: Flow,
  { aim, owner }: { readonly aim: StrikeAim & { kind: "sleep" }; readonly owner: ServerSlot },
): Promise<Struck> {
  await load.avoid(owner);
  try {
    const eyes = new Eyes(bed);
    const { life } = owner;
    await eyes.untilGoing(flow);
    const giveUpAt = performance.now() + WINDOW_WITHIN_MS;
    await stepUntil(life!, {
      // Who falls asleep with a lock keeps everybody out; that is not what is tried here.
      hasCome: () => eyes.isAt(flow, aim.window) && !bed.isLocked() && bed.ownerOf(flow) === owner,
      isOver: () => performance.now() > giveUpAt,
    });
    life!.child.kill("SIGSTOP");
    if (bed.isLocked() || bed.ownerOf(flow) !== owner) {
      owner.wake();
      return { kills: 0, windows: new Map(), zombie: null };
    }
    owner.sleep();
    const asleep = eyes.look(flow);
    await replaced(bed, flow, { asleep, aim, instance: life!.instance! });
    owner.wake();
    const zombie = await outcomeOf(bed, flow, asleep);
    return { kills: 0, windows: new Map([[flow, asleep.window]]), zombie };
  } finally {
    load.allow(owner);
  }
}

/** Until another server has committed in the place of the one that sleeps. */
async function replaced(
  bed: PipelineBed,
  flow: Flow,
  { asleep, aim, instance }: {
    readonly asleep: TickSight;
    readonly aim: StrikeAim & { kind: "sleep" };
    readonly instance: string;
  },
): Promise<void> {
  const giveUpAt = performance.now() + TAKEN_WITHIN_MS;
  const eye = new TickEye(bed, flow);
  if (aim.isNoticedAtOnce) bed.age();
  for (;;) {
    const record = bed.record(flow);
    const { batches } = eye.look();
    if (record.instance !== instance && batches > asleep.batches) return;
    const nobody = `nobody goes on in the place of ${instance}: ${JSON.stringify(record)}`;
    assert(performance.now() < giveUpAt, nobody);
    await pause(LOOK_EVERY_MS);
  }
}

/** What became of the batch. Where it was refused its files go, unless nobody can tell. */
async function outcomeOf(
  bed: PipelineBed,
  flow: Flow,
  { operationId, window }: TickSight,
): Promise<Struck["zombie"]> {
  if (window === "committed") return "recorded late";
  if (operationId === null) return null;
  const giveUpAt = performance.now() + AWAKE_WITHIN_MS;
  const { folder } = bed.place(flow.sink);
  while (filesBelow(folder).some((file) => file.includes(operationId))) {
    // Another server's, which had just taken over: what is in force twice is noticed later.
    if (isInForce(bed, flow, operationId)) return null;
    if (performance.now() > giveUpAt) return "refused, with files left";
    await pause(LOOK_EVERY_MS);
  }
  return "refused";
}

function isInForce(bed: PipelineBed, flow: Flow, operationId: string): boolean {
  const path = currentMetadata(bed, flow);
  const { snapshots = [] } = path === null ? {} : readMetadata(path) ?? {};
  return snapshots.some((one) => one["manifest-list"]?.includes(operationId));
}

/** Windows that can be waited for; which ones there are depends on the catalog. */
export function windowsOf({ lake }: PipelineBed): readonly TickWindow[] {
  return TICK_WINDOWS.filter((window) => window !== "unpublished" || lake.type === "sql");
}
