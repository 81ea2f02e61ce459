/** What must hold of a table whose server was killed, before another server runs and with it. */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import {
  ask,
  type KillBed,
  type KillServer,
  type Place,
  type Sight,
  succeed,
} from "./_kill_bed.ts";
import type { Hit } from "./_kill_moments.ts";
import type { KillOperation, KillRequest } from "./_kill_operations.ts";

/** One kill, and what was there before it. */
export interface Kill {
  readonly bed: KillBed;
  readonly operation: KillOperation;
  readonly place: Place;
  readonly request: KillRequest;
  readonly key: string;
  readonly before: Sight;
  /** When the request was sent, in milliseconds since the epoch. */
  readonly sentAtMs: number;
  readonly hit: Hit;
}

/** Whether the operation's effect is there. */
export type Effect = "none" | "whole";

/** Error code of operations that nobody has asked the table about. */
const IN_DOUBT = "server_stopped";
/** Error codes of operations whose outcome their client has to look up in the table. */
const UNKNOWN_CODES = [IN_DOUBT, "interrupted_after_commit", "interrupted_while_committing"];
const SETTLED_WITHIN_MS = 60_000;
/** Files get this age before orphans are removed. */
const AGE_MS = 10 * 86_400_000;
/** Orphans are removed that are older than this. */
const BOUND_MS = 2 * 86_400_000;

/** Throws unless the effect is there wholly or not at all, and all that the table needs is there. */
export function effectOf({ operation, before, hit }: Kill, now: Sight): Effect {
  assert.deepEqual(now.missing ?? [], []);
  assert(before.table !== null);
  assert.equal(now.table?.wrong_rows ?? 0, 0);
  const effect = operation.name === "remove-orphans"
    ? now.unreachable.length === 0 ? "whole" : "none"
    : now.table !== null && same(now.table, before.table)
    ? "none"
    : "whole";
  if (effect === "whole") {
    const changes = operation.after(before.table, now);
    assert.deepEqual(now.table, changes === null ? null : { ...before.table, ...changes });
  } else {
    assert.deepEqual(now.table, before.table);
  }
  if (hit.reply !== null) {
    assert.equal(hit.reply.status, 200, JSON.stringify(hit.reply.answer));
    assert.equal(effect, "whole", "what was acknowledged is lost");
  }
  return effect;
}

/** What the record of an operation says, as far as it matters here. */
export interface OperationRecord {
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
}

/** The record that was left; null where there is none. It must fit the effect. */
export async function checkRecord(
  kill: Kill,
  { server, effect }: { readonly server: KillServer; readonly effect: Effect },
): Promise<OperationRecord | null> {
  const { place, operation, sentAtMs } = kill;
  const { operations } = await read(server, `/operations?table=${place.table}&limit=20`);
  const found = (operations as readonly Record<string, unknown>[]).find((one) =>
    one["operation"] === operation.name && Date.parse(String(one["created_at"])) >= sentAtMs
  );
  if (found === undefined) {
    assert.equal(effect, "none", "nothing was recorded of what was done");
    return null;
  }
  return await readRecord(server, { id: String(found["id"]), effect });
}

/**
 * Waits until the server has asked the table what became of the operation. Where its commit came
 * through, nothing is to be waited for but the server's turn.
 */
export async function checkSettled(
  { id }: OperationRecord,
  { server, effect }: { readonly server: KillServer; readonly effect: Effect },
): Promise<OperationRecord> {
  const giveUpAt = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const record = await readRecord(server, { id, effect });
    if (record.code !== IN_DOUBT) {
      if (record.code === "interrupted_after_commit") assert.equal(effect, "whole");
      return record;
    }
    assert(performance.now() < giveUpAt, `operation "${id}" stays in doubt`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function readRecord(
  server: KillServer,
  { id, effect }: { readonly id: string; readonly effect: Effect },
): Promise<OperationRecord> {
  const shown = await read(server, `/operations/${id}`);
  const state = String(shown["state"]);
  const fits: Readonly<Record<string, boolean>> = {
    succeeded: effect === "whole",
    failed: effect === "none",
    unknown: true,
  };
  assert(fits[state], `effect is ${effect}, the record says ${JSON.stringify(shown)}`);
  assert.notEqual(shown["ended_at"], null);
  const error = shown["error"] as { readonly code: string } | null;
  return { id, state, code: error?.code ?? null };
}

/** Repeats the request: its effect is there once, or the client hears that nobody can tell. */
export async function checkRepeat(
  kill: Kill,
  { server, record }: { readonly server: KillServer; readonly record: OperationRecord | null },
): Promise<Sight> {
  const { bed, place, request, key, hit } = kill;
  const { status, answer } = await ask(server, request.path, { body: request.body, key });
  const now = await bed.look(place);
  if (status === 200) {
    assert.equal(effectOf({ ...kill, hit: { ...hit, reply: null } }, now), "whole");
    if (hit.reply !== null) assert.deepEqual(answer, hit.reply.answer);
  } else {
    assert.equal(record?.state, "unknown", JSON.stringify(answer));
    assert(UNKNOWN_CODES.includes(String(answer["code"])), JSON.stringify(answer));
    effectOf(kill, now);
  }
  return now;
}

/** Other operations of the server that goes on: they neither delete nor take in what was left. */
export async function checkNeighbours(
  { bed, place }: Kill,
  { server, now }: { readonly server: KillServer; readonly now: Sight },
): Promise<Sight> {
  const { table } = place;
  await succeed(server, "/compact", { table, options: { "rewrite-all": true } });
  await succeed(server, "/expire", { table, retain_last: 1, older_than: "2100-01-01T00:00:00Z" });
  const later = await bed.look(place);
  assert.deepEqual(later.missing, []);
  assert.deepEqual(later.table?.ids, now.table?.ids);
  assert.equal(later.table?.snapshots.length, 1);
  assert.deepEqual(later.unreachable, now.unreachable);
  return later;
}

/** Files that nothing leads to are found, all of them and nothing else, and are gone afterwards. */
export async function checkOrphans(
  { bed, place }: { readonly bed: Pick<KillBed, "look">; readonly place: Place },
  { server, now }: { readonly server: Pick<KillServer, "url">; readonly now: Sight },
): Promise<void> {
  const { table, folder } = place;
  await age(folder, new Date(Date.now() - AGE_MS));
  const answer = await succeed(server, "/remove-orphans", {
    table,
    older_than: new Date(Date.now() - BOUND_MS).toISOString(),
  });
  const receipt = JSON.parse(String(answer["details_json"]));
  const found = (receipt.orphan_file_location as readonly string[])
    .map((location) => location.replace(/^file:\/+/, "/").slice(folder.length + 1));
  assert.deepEqual(found.sort(), [...now.unreachable].sort());
  // Hidden ones are those that Java's file system writes beside each.
  const kept = (receipt.kept_files as readonly { readonly reason: string }[])
    .filter(({ reason }) => reason !== "hidden");
  assert.deepEqual(kept, []);
  assert.equal(receipt.deleted_files_count, found.length);
  assert.deepEqual(await bed.look(place), { ...now, unreachable: [] });
}

/** A table that was dropped is nobody's any more. */
export async function checkDropped({ place }: Kill, server: KillServer): Promise<void> {
  const { status } = await ask(server, `/table/${place.table}/snapshots`, { body: undefined });
  assert.equal(status, 404);
}

async function read(server: KillServer, path: string): Promise<Record<string, unknown>> {
  const { status, answer } = await ask(server, path, { body: undefined });
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
}

async function age(folder: string, to: Date): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) await age(path, to);
    else await Deno.utime(path, to, to);
  }
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
