/**
 * Two servers over one state and PyIceberg change one table at once: nothing is lost, nothing comes
 * back. `WRITERS_APPENDS` says how many appends each writer makes.
 */
import assert from "node:assert/strict";
import { startServer } from "../support/server_process.ts";
import { FEW_ISOLATES, type KillServer, SHAPE, type Sight, succeed } from "./_kill_bed.ts";
import { type Lake, openLake } from "./_lake.ts";
import {
  appendAll,
  checkRows,
  compactAll,
  evolveAll,
  expireAll,
  lookAll,
  pyicebergAll,
  Tally,
  type Writers,
} from "./_many_writers.ts";
import { PeerProcess } from "./_peer_process.ts";
import { peerTest } from "./_peers.ts";
import { ADMIN_TOKEN } from "./_server.ts";
import { WriterLedger } from "./_writer_ledger.ts";

const APPENDS = Number(Deno.env.get("WRITERS_APPENDS") ?? 10);
const TABLE = "db.t";

const CATALOGS = [
  { type: "sql", peers: ["pyiceberg"], writers: "two servers and PyIceberg" },
  { type: "rest", peers: ["pyiceberg", "rest_fixture"], writers: "two servers and PyIceberg" },
  // PyIceberg cannot write into hadoop catalogs.
  { type: "hadoop", peers: ["pyiceberg"], writers: "two servers" },
] as const;

for (const { type, peers, writers } of CATALOGS) {
  peerTest(`${writers} lose nothing in one table: ${type}`, peers, {
    fn: async () => {
      await inTempDir(async (dir) => {
        await using lake = await openLake(type, dir);
        await race(dir, lake);
      });
    },
  });
}

async function race(dir: string, lake: Lake): Promise<void> {
  const servers: KillServer[] = [];
  try {
    for (const name of ["one", "two"]) {
      servers.push(
        await startServer({
          dataDir: `${dir}/${name}`,
          env: {
            DRLS_STATE_URL: `file:${dir}/state.db`,
            DRLS_BOOTSTRAP_TOKEN: ADMIN_TOKEN,
            ...FEW_ISOLATES,
            ...lake.env,
          },
        }),
      );
    }
    await succeed(servers[0]!, "/tables", {
      table: TABLE,
      ...SHAPE,
      properties: {
        "commit.retry.num-retries": "40",
        "commit.retry.min-wait-ms": "5",
        "commit.retry.max-wait-ms": "200",
        "write.metadata.previous-versions-max": "10000",
      },
    });
    const ledger = new WriterLedger();
    await writeAll({ servers, table: TABLE, ledger, tally: new Tally() }, lake);
  } catch (cause) {
    const logs = servers.map(({ errors }) => complaintsOf(errors())).join("\n");
    throw new Error(`Writers failed; the servers say:\n${logs}`, { cause });
  } finally {
    for (const server of servers) await server.dispose();
  }
}

async function writeAll(writers: Writers, lake: Lake): Promise<void> {
  const { servers, ledger, tally } = writers;
  const properties = JSON.stringify(lake.properties);
  await using eyes = new PeerProcess("pyiceberg", "pyiceberg_whole.py", [properties, "drls"]);
  await eyes.hear("READY");
  const look = () => lookAt(eyes, `${lake.warehouse}/db/t`);
  const writes = [0, 1, 0, 1].map((at) => appendAll(writers, { at, appends: APPENDS / 2 }));
  if (isShared(lake)) writes.push(beside(writers, properties));
  const closed = Promise.all(writes).finally(() => ledger.close());
  await Promise.all([
    closed,
    ...servers.flatMap((_, at) => [
      compactAll(writers, at),
      expireAll(writers, at),
      evolveAll(writers, { at, columns: 5 }),
    ]),
    lookAll(writers, look),
  ]);
  console.log(`${lake.type}: ${tally}`);
  await checkEnd(writers, { sight: await look(), lake });
}

function isShared({ type }: Lake): boolean {
  return type !== "hadoop";
}

async function beside(writers: Writers, properties: string): Promise<void> {
  const args = [properties, "drls", writers.table];
  await using peer = new PeerProcess("pyiceberg", "pyiceberg_writer.py", args);
  await peer.hear("READY");
  await pyicebergAll(writers, { peer, changes: APPENDS });
}

async function lookAt(eyes: PeerProcess, folder: string): Promise<Sight> {
  await eyes.tell(JSON.stringify(["look", TABLE, folder]));
  const { word, text } = await eyes.hear("RESULT", "ERROR");
  if (word === "ERROR") throw new Error(`PyIceberg cannot read the table: ${JSON.parse(text)}`);
  return JSON.parse(text);
}

async function checkEnd(
  { servers, ledger, tally }: Writers,
  { sight, lake }: { readonly sight: Sight; readonly lake: Lake },
): Promise<void> {
  const { table, missing, unreachable } = sight;
  checkRows(table, ledger.begin()());
  assert.deepEqual(missing, []);
  // PyIceberg leaves the files of tries that others were faster than.
  if (!isShared(lake)) assert.deepEqual(unreachable, []);
  const known = new Set([...table!.snapshots.map(([id]) => id), ...tally.expired]);
  assert.deepEqual([...tally.committed].filter((id) => !known.has(id)), []);
  const names = new Set(table!.columns.map(([, name]) => name));
  assert.deepEqual([...tally.columns].filter((name) => !names.has(name)), []);
  for (const server of servers) {
    assert.deepEqual(
      (await succeed(server, "/operations?state=running", undefined))["operations"],
      [],
    );
  }
}

/** Lines of a log that are no everyday ones. */
function complaintsOf(log: string): string {
  return log.split("\n").filter((line) => !line.includes('"level":"info"')).join("\n").slice(
    -8_000,
  );
}

async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-writers-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
