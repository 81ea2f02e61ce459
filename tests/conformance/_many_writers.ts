/** Writers of one table: two servers over one state, and PyIceberg. Each keeps to its own pace. */
import assert from "node:assert/strict";
import { ask, type KillServer, rowsOfIds, type SeenTable, type Sight } from "./_kill_bed.ts";
import type { PeerProcess } from "./_peer_process.ts";
import { idsOfRuns, type WriterLedger } from "./_writer_ledger.ts";

/** Who writes, and what they note. */
export interface Writers {
  readonly servers: readonly KillServer[];
  readonly table: string;
  readonly ledger: WriterLedger;
  readonly tally: Tally;
}

/** What was done. */
export class Tally {
  /** How often, by what. */
  readonly counts = new Map<string, number>();
  /** Snapshots whose commits were acknowledged. */
  readonly committed = new Set<string>();
  /** Snapshots that somebody said to have expired. */
  readonly expired = new Set<string>();
  /** Columns whose addition was acknowledged. */
  readonly columns = new Set<string>();

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  toString(): string {
    return [...this.counts].sort().map(([what, count]) => `${what} ${count}`).join(", ");
  }
}

/** Rows of one append. */
const ROWS = 24;
/** Tries of one append; each ends with somebody else's commit. */
const MAX_TRIES = 100;
/** Snapshots younger than this stay, as readers are at work. */
const KEPT_MS = 8_000;

/** Appends through one server, or the other where that one is too busy. */
export async function appendAll(
  { servers, table, ledger, tally }: Writers,
  { at, appends }: { readonly at: number; readonly appends: number },
): Promise<void> {
  for (let n = 0; n < appends; n++) {
    const range = ledger.claim(ROWS);
    const body = rowsOfIds(range);
    let key = crypto.randomUUID();
    for (let tries = 0;; tries++) {
      const server = servers[(at + tries) % servers.length]!;
      const { status, answer } = await ask(server, `/table/${table}/append`, { body, key });
      if (status === 200) {
        tally.committed.add(String(detailsOf(answer)["snapshot_id"]));
        break;
      }
      // Nothing was appended: a conflict is the lasting answer of its key.
      assert([409, 429, 503].includes(status) && tries < MAX_TRIES, JSON.stringify(answer));
      if (status === 409) key = crypto.randomUUID();
      tally.count(`appends refused (${answer["code"]})`);
    }
    ledger.appended(range);
    tally.count(`appends by server ${at}`);
  }
}

/** PyIceberg appends rows, and deletes some that anybody appended. */
export async function pyicebergAll(
  { ledger, tally }: Writers,
  { peer, changes }: { readonly peer: PeerProcess; readonly changes: number },
): Promise<void> {
  for (let n = 0; n < changes; n++) {
    const doomed = n % 2 === 1 ? ledger.claimDelete(Math.random()) : null;
    const range = doomed ?? ledger.claim(ROWS);
    const command = doomed === null ? "append" : "delete";
    await peer.tell(JSON.stringify([command, range.first, range.count]));
    const { word, text } = await peer.hear("RESULT", "ERROR");
    if (word === "ERROR") throw new Error(`PyIceberg cannot ${command}: ${JSON.parse(text)}`);
    const { snapshots, conflicts } = JSON.parse(text);
    for (const id of snapshots) tally.committed.add(id);
    if (doomed === null) ledger.appended(range);
    else ledger.deleted(range);
    tally.count(`${command}s by PyIceberg`);
    tally.count("conflicts of PyIceberg", conflicts);
  }
}

/** Compacts whenever something has changed, until nobody writes. */
export async function compactAll({ servers, table, ledger, tally }: Writers, at: number) {
  const options = { "min-input-files": 2, "partial-progress.enabled": at === 1 };
  while (!ledger.isClosed) {
    await ledger.changed();
    const details = await tryTo(
      servers[at]!,
      { path: "/compact", body: { table, options } },
      tally,
    );
    if (details === null) continue;
    for (const id of details["snapshot_ids"] as readonly string[]) tally.committed.add(id);
    tally.count(`files compacted by server ${at}`, Number(details["rewritten_files"]));
    tally.count(
      "files that compactions left to others",
      Number(details["failed_data_files_count"]),
    );
  }
}

/** Expires what is older than readers are, whenever something has changed. */
export async function expireAll({ servers, table, ledger, tally }: Writers, at: number) {
  while (!ledger.isClosed) {
    await ledger.changed();
    const olderThan = new Date(Date.now() - KEPT_MS).toISOString();
    const body = { table, retain_last: 1, older_than: olderThan };
    const details = await tryTo(servers[at]!, { path: "/expire", body }, tally);
    if (details === null) continue;
    for (const id of details["expired_snapshot_ids"] as readonly string[]) tally.expired.add(id);
    assert.equal(details["failed_deletes_count"], 0);
    tally.count("files deleted by expiry", Number(details["deleted_data_files_count"]));
  }
}

/** Adds columns. */
export async function evolveAll(
  { servers, table, ledger, tally }: Writers,
  { at, columns }: { readonly at: number; readonly columns: number },
): Promise<void> {
  for (let n = 0; n < columns && !ledger.isClosed;) {
    await ledger.changed();
    const name = `extra_${at}_${n}`;
    const body = { table, name, type: "string" };
    if (await tryTo(servers[at]!, { path: "/evolve/add-column", body }, tally) === null) continue;
    tally.columns.add(name);
    n++;
  }
}

/** Looks at the table again and again, until nobody writes. */
export async function lookAll(
  { ledger, tally }: Writers,
  look: () => Promise<Sight>,
): Promise<void> {
  while (!ledger.isClosed) {
    const bounds = ledger.begin();
    const { table } = await look();
    checkRows(table, bounds());
    tally.count("looks");
  }
}

/** Throws unless rows are within bounds, each once. */
export function checkRows(
  table: SeenTable | null,
  { surely, perhaps }: ReturnType<ReturnType<WriterLedger["begin"]>>,
): void {
  assert(table !== null);
  assert.equal(table.wrong_rows, 0);
  const ids = idsOfRuns(table.ids);
  assert.deepEqual([...surely.difference(ids)], [], "rows are lost");
  assert.deepEqual([...ids.difference(perhaps)], [], "rows came back, or from nowhere");
}

/** The details of an operation; null where others were faster or at the same, which is counted. */
async function tryTo(
  server: KillServer,
  { path, body }: { readonly path: string; readonly body: unknown },
  tally: Tally,
): Promise<Record<string, unknown> | null> {
  const { status, answer } = await ask(server, path, { body });
  tally.count(status === 200 ? `${path} done` : `${path} refused (${answer["code"]})`);
  if (status === 200) return detailsOf(answer);
  assert([409, 429, 503].includes(status), JSON.stringify(answer));
  return null;
}

function detailsOf(answer: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(String(answer["details_json"]));
}
