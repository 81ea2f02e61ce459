/**
 * Servers that are killed with SIGKILL in the middle of operations. `KILL_RUNS` says how many times
 * at least, `KILL_SEED` which ones.
 */
import assert from "node:assert/strict";
import { KillBed, type KillServer, type Place, type Sight } from "./_kill_bed.ts";
import {
  checkDropped,
  checkNeighbours,
  checkOrphans,
  checkRecord,
  checkRepeat,
  checkSettled,
  type Effect,
  effectOf,
  type Kill,
} from "./_kill_checks.ts";
import { strike } from "./_kill_moments.ts";
import { KillPlan, type Shot } from "./_kill_plan.ts";
import { peerTest } from "./_peers.ts";

const CATALOGS = ["hadoop", "sql"] as const;
const RUNS = Number(Deno.env.get("KILL_RUNS") ?? 60) / CATALOGS.length;
const SEED = Number(Deno.env.get("KILL_SEED") ?? 1);
/** Of every so many tables, one is compacted and expired before its orphans are looked for. */
const NEIGHBOURS_EVERY = 3;
/** Of every so many operations without effect, one is waited for until the table was asked. */
const SETTLED_EVERY = 4;

for (const catalog of CATALOGS) {
  peerTest(`a server killed at any point leaves whole tables: ${catalog}`, ["pyiceberg"], {
    fn: async () => {
      await using bed = await KillBed.open(catalog);
      const plan = new KillPlan({ runs: RUNS, seed: SEED });
      const states = await killAll(bed, plan);
      const ends = [...states].map(([state, count]) => `${state} ${count}`).join(", ");
      console.log(`${catalog}: ${plan.report()}\n  records of what was not answered: ${ends}`);
      assert.deepEqual(plan.missed(), []);
    },
  });
}

/** A table that was put back for a kill. */
interface Ready {
  readonly shot: Shot;
  readonly place: Place;
  readonly before: Sight;
}

/** How often which state was recorded of an operation whose client heard nothing. */
type States = Map<string, number>;

async function killAll(bed: KillBed, plan: KillPlan): Promise<States> {
  const states: States = new Map();
  let ready = await makeReady(bed, plan);
  let server = await bed.start();
  try {
    while (ready !== null) {
      const kill: Kill = await killOne(bed, { ready, plan, server });
      await explained(kill, ready, async () => {
        const sight = await bed.look(kill.place);
        const effect = effectOf(kill, sight);
        // No server runs now: the other place can be made ready for the next kill.
        ready = await makeReady(bed, plan);
        server = await bed.start();
        const state = await examine(kill, { server, sight, effect, nth: plan.count });
        if (kill.hit.reply === null) states.set(state, (states.get(state) ?? 0) + 1);
      });
    }
    return states;
  } finally {
    await server.dispose();
  }
}

async function makeReady(bed: KillBed, plan: KillPlan): Promise<Ready | null> {
  const shot = plan.next();
  if (shot === null) return null;
  const place = bed.place(plan.count);
  await bed.putBack(place, shot.version);
  await shot.operation.arrange?.(place);
  return { shot, place, before: await bed.look(place) };
}

async function killOne(
  bed: KillBed,
  { ready: { shot, place, before }, plan, server }: {
    readonly ready: Ready;
    readonly plan: KillPlan;
    readonly server: KillServer;
  },
): Promise<Kill> {
  const { operation, aim } = shot;
  assert(before.table !== null);
  const request = operation.request(place, before.table);
  const key = crypto.randomUUID();
  const sentAtMs = Date.now();
  const deletes = plan.deletes(operation);
  const hit = await strike(server, { bed, place, request, key, aim, deletes });
  plan.hit(shot, hit);
  return { bed, operation, place, request, key, before, sentAtMs, hit };
}

interface Aftermath {
  readonly server: KillServer;
  /** What was there when no server ran. */
  readonly sight: Sight;
  readonly effect: Effect;
  readonly nth: number;
}

/** The state that the operation was left in. */
async function examine(
  kill: Kill,
  { server, sight, effect, nth }: Aftermath,
): Promise<string> {
  let record = await checkRecord(kill, { server, effect });
  // Where the commit did not come through, some seconds go by until that is certain.
  if (record?.state === "unknown" && isAsked(kill, { effect, nth })) {
    record = await checkSettled(record, { server, effect });
  }
  const state = record?.state ?? "none";
  let now = await checkRepeat(kill, { server, record });
  if (now.table === null) {
    await checkDropped(kill, server);
    return state;
  }
  if (kill.operation.touchesOrphans === undefined) {
    assert.deepEqual(now.unreachable, sight.unreachable);
    if (nth % NEIGHBOURS_EVERY === 0) now = await checkNeighbours(kill, { server, now });
  }
  await checkOrphans(kill, { server, now });
  return state;
}

/** Catalogs are not asked what became of a drop. */
function isAsked(
  { operation }: Kill,
  { effect, nth }: { readonly effect: Effect; readonly nth: number },
): boolean {
  return operation.name !== "drop-table" && (effect === "whole" || nth % SETTLED_EVERY === 0);
}

/** Adds to an error what was tried. */
async function explained(
  { bed, operation, hit }: Kill,
  { shot }: Ready,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const what = `${bed.catalog}, ${operation.name}, v${shot.version}`;
    const aim = JSON.stringify(shot.aim);
    throw new Error(`Killed for nothing: ${what}, aimed at ${aim}, hit ${hit.window}`, { cause });
  }
}
