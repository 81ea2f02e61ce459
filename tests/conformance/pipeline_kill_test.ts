/**
 * Two servers over one state run pipelines, and are killed with SIGKILL again and again, while rows
 * are appended to the source, and all tables are compacted and expired. `PIPELINE_KILLS` says how
 * many kills at least, `PIPELINE_SEED` which ones.
 */
import assert from "node:assert/strict";
import { ask } from "./_kill_bed.ts";
import { checkOrphans } from "./_kill_checks.ts";
import { pause } from "./_kill_moments.ts";
import type { LakeType } from "./_lake.ts";
import { NoServer, PipelineBed } from "./_pipeline_bed.ts";
import { checkPipelines, SinkHistory } from "./_pipeline_checks.ts";
import { type Flow, FLOWS, SOURCE } from "./_pipeline_flows.ts";
import { PipelineLoad } from "./_pipeline_load.ts";
import { PipelinePlan, type PipelineShot } from "./_pipeline_plan.ts";
import { strikePipelines, windowsOf } from "./_pipeline_strikes.ts";
import { type Peer, peerTest } from "./_peers.ts";

/** Whether servers find the locks of each other, by catalog. */
const LAKES: readonly {
  readonly type: LakeType;
  readonly sharesData: boolean;
  readonly peers: readonly Peer[];
}[] = [
  { type: "hadoop", sharesData: true, peers: ["pyiceberg"] },
  { type: "sql", sharesData: false, peers: ["pyiceberg"] },
  { type: "rest", sharesData: true, peers: ["pyiceberg", "rest_fixture"] },
];
const KILLS = Number(Deno.env.get("PIPELINE_KILLS") ?? 24) / LAKES.length;
const SEED = Number(Deno.env.get("PIPELINE_SEED") ?? 1);
/** Everything is looked through after every so many strikes. */
const CHECK_EVERY = 15;
const STOPPED_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 100;
/** From so many kills on it is waited for heartbeats that do not come, and every window must be hit. */
const MANY_KILLS = 40;

for (const { type, sharesData, peers } of LAKES) {
  const where = sharesData ? "one data directory" : "two data directories";
  peerTest(`killed servers lose and double no row of pipelines: ${type}, ${where}`, peers, {
    fn: async () => {
      await using bed = await PipelineBed.open({ type, sharesData });
      try {
        await killAll(bed);
      } catch (cause) {
        const complaints = bed.slots.flatMap((slot) => slot.complaints).slice(-30);
        const log = complaints.map((line) => line.slice(0, 600)).join("\n");
        throw new Error(`Pipelines failed; the servers say:\n${log}`, { cause });
      }
    },
  });
}

async function killAll(bed: PipelineBed): Promise<void> {
  const windows = windowsOf(bed);
  const longSleeps = KILLS >= MANY_KILLS ? 1 : 0;
  const plan = new PipelinePlan({ kills: KILLS, seed: SEED, windows, longSleeps });
  const load = new PipelineLoad(bed, plan.random);
  const histories = new Map(FLOWS.map((flow) => [flow.sink, new SinkHistory(bed, flow)]));
  const check = async () => {
    await load.stop();
    await Promise.all(bed.slots.map((slot) => slot.ready()));
    return await checkPipelines(bed, { ledger: load.ledger, histories });
  };
  load.start();
  try {
    for (let shot = plan.next(); shot !== null; shot = plan.next()) {
      await explained(shot, { bed, load, plan });
      if (plan.strikes % CHECK_EVERY !== 0) continue;
      await check();
      load.start();
    }
  } catch (error) {
    for (const slot of bed.slots) await slot.kill();
    await load.abandon();
    throw error;
  }
  const { rows } = await check();
  await checkLeftovers(bed);
  const lines = [plan, `${rows} rows in the source; ${load.tally}`, ...histories.values()];
  console.log(`${bed.lake.type}: ${lines.join("\n  ")}`);
  if (KILLS >= MANY_KILLS) assert.deepEqual(plan.missed(), []);
}

interface Killing {
  readonly bed: PipelineBed;
  readonly load: PipelineLoad;
  readonly plan: PipelinePlan;
}

async function strike(shot: PipelineShot, { bed, load, plan }: Killing): Promise<void> {
  if (shot.aim.kind === "sleep") await Promise.all(bed.slots.map((slot) => slot.ready()));
  plan.hit(shot, await strikePipelines({ bed, load }, shot.flow, shot.aim));
  for (const flow of shot.forgets) await removeFolder(bed.checkpoint(flow));
  if (shot.ages !== null) bed.age(shot.ages);
  for (const slot of bed.slots) if (slot.life === null) await slot.begin();
  const flow = shot.restarts;
  if (flow !== null) await load.sparing(() => restart(bed, flow));
}

/** Stops a pipeline by one server, and starts it by one; unless none is there. */
async function restart(bed: PipelineBed, flow: Flow): Promise<void> {
  try {
    await stop(bed, flow);
    await bed.ensureRunning(flow);
  } catch (error) {
    if (!(error instanceof NoServer)) throw error;
  }
}

async function stop(bed: PipelineBed, flow: Flow): Promise<void> {
  const { id } = bed.record(flow);
  const { status, answer } = await ask(bed.anyServer(), `/pipeline/${id}/stop`, { body: {} });
  assert.equal(status, 200, JSON.stringify(answer));
  // The one that ran it may be dead, and not known to be.
  const giveUpAt = performance.now() + STOPPED_WITHIN_MS;
  while (bed.record(flow).state !== "stopped") {
    assert(performance.now() < giveUpAt, `${flow.sink} does not stop`);
    await pause(LOOK_EVERY_MS);
  }
}

/** What nobody needs can be removed, and nothing else. */
async function checkLeftovers(bed: PipelineBed): Promise<void> {
  for (const flow of FLOWS) await stop(bed, flow);
  // Who lives may still be removing what it wrote in vain; one that begins has nothing to remove.
  for (const slot of bed.slots) await slot.kill();
  await bed.slots[0]!.ready();
  for (const table of [SOURCE, ...FLOWS.map(({ sink }) => sink)]) {
    const place = bed.place(table);
    await checkOrphans({ bed, place }, { server: bed.anyServer(), now: await bed.look(place) });
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Adds to an error what was tried. */
async function explained(shot: PipelineShot, killing: Killing): Promise<void> {
  try {
    await strike(shot, killing);
  } catch (cause) {
    const what = JSON.stringify({ ...shot.aim, flow: shot.flow.sink });
    throw new Error(`Strike ${what} failed`, { cause });
  }
}
