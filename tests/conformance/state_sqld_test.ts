import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { z } from "zod";
import { createAccess } from "../../lib/access/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { openState, sql, type State } from "../../lib/state/mod.ts";
import { MIGRATIONS } from "../../migrations/mod.ts";
import { peerTest } from "./_peers.ts";
import { rejectsWith } from "../support/rejects.ts";
import { type SqldServer, startSqld } from "../support/sqld.ts";
import { runStateChildren } from "../support/state_process.ts";

const Epoch = z.object({ epoch: z.int() });

function remoteTest(name: string, test: (server: SqldServer) => Promise<void>): void {
  peerTest(name, ["sqld"], {
    async fn() {
      await using server = await startSqld();
      await test(server);
    },
  });
}

function open({ url }: SqldServer, authToken: Secret | null = null): Promise<State> {
  return openState({ url, authToken, dataDir: "/" });
}

function put(key: string) {
  return sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
    VALUES (${key}, '1', 'test', 1, 0)`;
}

async function keys(state: State): Promise<string[]> {
  const rows = await state.read(
    z.object({ key: z.string() }),
    sql`SELECT key FROM settings ORDER BY key`,
  );
  return rows.map(({ key }) => key);
}

remoteTest(
  "a remote database is migrated exactly once by processes that start at once",
  async (server) => {
    await runStateChildren({ mode: "open", url: server.url }, 4);
    const state = await open(server);
    const rows = await state.read(
      z.object({ name: z.string() }),
      sql`SELECT name FROM migrations ORDER BY version`,
    );
    assert.deepEqual(rows.map(({ name }) => name), MIGRATIONS.map(({ name }) => name));
    await state.close();
  },
);

remoteTest(
  "processes that bootstrap on a remote database at once create one Admin token",
  async (server) => {
    const outputs = await runStateChildren({ mode: "bootstrap", url: server.url }, 4);
    assert.equal(outputs.filter((output) => output !== "nothing").length, 1, outputs.join(" | "));
  },
);

remoteTest("processes that write to a remote database at once lose no write", async (server) => {
  await runStateChildren({ mode: "count", url: server.url }, 3);
  const state = await open(server);
  const [row] = await state.read(Epoch, sql`SELECT epoch FROM settings WHERE key = 'count'`);
  assert.equal(row?.epoch, 3 * 50);
  await state.close();
});

remoteTest(
  "a remote transaction commits, rolls back and frees its lock at once",
  async (server) => {
    const [one, other] = [await open(server), await open(server)];
    await one.transaction((tx) => tx.run(put("a")));
    const failing = one.transaction(async (tx) => {
      await tx.run(put("b"));
      throw new TypeError("a mistake of ours");
    });
    // Not taken for a failed request.
    await assert.rejects(failing, { name: "TypeError", message: "a mistake of ours" });
    const startMs = performance.now();
    await other.transaction((tx) => tx.run(put("c")));
    assert.ok(performance.now() - startMs < 2_000);
    assert.deepEqual(await keys(one), ["a", "c"]);
    await Promise.all([one.close(), other.close()]);
  },
);

remoteTest("a remote transaction gives up on a lock in the time it was allowed", async (server) => {
  const [one, other] = [await open(server), await open(server)];
  const { promise: held, resolve: hold } = Promise.withResolvers<void>();
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const holding = one.transaction(async (tx) => {
    await tx.run(put("held"));
    hold();
    await mayEnd;
  });
  await held;
  const startMs = performance.now();
  const waiting = other.transaction((tx) => tx.run(put("late")), { waitMs: 300 });
  await rejectsWith(waiting, { kind: "unavailable", code: "state_busy" });
  assert.ok(performance.now() - startMs < 2_000);
  assert.deepEqual(await keys(other), []);
  end();
  await holding;
  await other.transaction((tx) => tx.run(put("next")));
  assert.deepEqual(await keys(one), ["held", "next"]);
  await Promise.all([one.close(), other.close()]);
});

remoteTest("failures of a remote database have the same kinds as embedded ones", async (server) => {
  const state = await open(server);
  await state.transaction((tx) => tx.run(put("a")));
  const conflict = { kind: "conflict", code: "state_conflict" } as const;
  await rejectsWith(state.transaction((tx) => tx.run(put("a"))), conflict);
  const orphan = sql`INSERT INTO tokens (id, user_id, prefix, secret_hash, created_at, created_by)
    VALUES ('tok_1', 'usr_nobody', '', ${"0".repeat(64)}, 0, 'test')`;
  await rejectsWith(state.transaction((tx) => tx.run(orphan)), conflict);
  const wrong = { kind: "internal", code: "state_failed" } as const;
  await rejectsWith(state.read(Epoch, sql`SELECT epoch FROM nowhere`), wrong);
  const large = state.read(z.object({ n: z.number() }), sql`SELECT ${2n ** 53n + 1n} AS n`);
  await assert.rejects(large, RangeError);
  await server.kill();
  const gone = { kind: "unavailable", code: "state_unreachable" } as const;
  await rejectsWith(state.read(Epoch, sql`SELECT epoch FROM settings`), gone);
  await rejectsWith(state.transaction((tx) => tx.run(put("b"))), gone);
  await state.close();
});

remoteTest("a reply that is lost at COMMIT is neither success nor conflict", async (server) => {
  const state = await open(server);
  const losing = state.transaction(async (tx) => {
    await tx.run(put("a"));
    await server.kill();
  });
  await rejectsWith(losing, { kind: "commit_state_unknown", code: "state_commit_unknown" });
  await state.close();
});

remoteTest("every access verb works on a remote database", async (server) => {
  const state = await open(server);
  const deps = { state, clock: systemClock, log: silentLog, jwt: null, instance: "test" };
  const access = createAccess(deps);
  const created = await access.bootstrap({ token: null });
  const credential = created?.secret.reveal() ?? assert.fail("nothing was created");
  const client = { clientAddress: "192.0.2.7" };
  const principal = await access.authenticateBearer({ ...client, credential });
  const call = { requestId: "r", signal: new AbortController().signal, agent: null };
  const ctx = { ...call, principal };
  await access.createUser(ctx, { name: "alice", role: "Auditor" });
  const { token } = await access.createToken(ctx, { user: "alice" });
  const origin = "https://drls.example.com";
  const session = await access.createSession(ctx, { origin });
  const input = { ...client, secret: session.secret.reveal(), origin };
  const inSession = await access.authenticateSession(input);
  const ticket = await access.createTicket({ ...call, principal: inSession }, { origin });
  const redeemed = { ...client, secret: ticket.secret.reveal(), origin };
  assert.equal((await access.redeemTicket(redeemed)).name, "admin");
  await access.logout({ ...call, principal: inSession });
  await access.revokeToken(ctx, { id: token.id });
  await access.createUser(ctx, { name: "root", role: "Admin" });
  await access.updateUser(ctx, { name: "alice", disabled: true });
  const { entries } = await access.listAudit(ctx, { limit: 100, cursor: null, filter: {} });
  assert.equal(entries.length, 9);
  await state.close();
});

peerTest("a remote database that wants a token gets it, and refusals say nothing of it", ["sqld"], {
  async fn() {
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    const jwtKey = (await exportJWK(publicKey)).x ?? "";
    await using server = await startSqld({ jwtKey });
    const token = await new SignJWT({ a: "rw" }).setProtectedHeader({ alg: "EdDSA" })
      .setExpirationTime("1h").sign(privateKey);
    const state = await open(server, new Secret(token));
    await state.ping();
    await state.close();
    const forged = new Secret(`${token.slice(0, -4)}AAAA`);
    for (const authToken of [null, forged]) {
      const expected = { kind: "unavailable", code: "state_unreachable" } as const;
      const error = await rejectsWith(open(server, authToken), expected);
      assert.equal(Deno.inspect(error).includes(token.slice(0, 30)), false);
    }
  },
});
