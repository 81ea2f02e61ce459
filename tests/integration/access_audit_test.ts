import assert from "node:assert/strict";
import { type AuditFilter, recordAudit, ROLES } from "../../lib/access/mod.ts";
import { Secret } from "../../lib/secret.ts";
import { sql } from "../../lib/state/mod.ts";
import { type AccessFixture, callBy, withAccess } from "../support/access_fixture.ts";
import { rejectsWith } from "../support/rejects.ts";

const PAGE = { limit: 1000, cursor: null };

async function audit({ access, local }: AccessFixture, filter: AuditFilter = {}) {
  return (await access.listAudit(local, { ...PAGE, filter })).entries;
}

Deno.test("every mutation leaves one row: who, what, when, before, after, agent, request", () =>
  withAccess(async (fixture) => {
    const { access, clock, createCaller } = fixture;
    const root = await createCaller("root", "Admin");
    const rows = (await audit(fixture)).length;
    const ctx = callBy(root.principal, { requestId: "req-7", agent: "claude" });
    const before = await access.createUser(ctx, { name: "alice", role: "Auditor" });
    const after = await access.updateUser(ctx, { name: "alice", role: "DataEngineer" });
    const entries = await audit(fixture);
    assert.equal(entries.length, rows + 2);
    const { id: _id, ...entry } = entries[0] ?? assert.fail("no row was written");
    assert.deepEqual(entry, {
      at: new Date(clock.now()).toISOString(),
      principal_id: root.principal.id,
      principal: "root",
      role: "Admin",
      credential: "token",
      agent: "claude",
      action: "user.update",
      target: `user:${before.id}`,
      before,
      after,
      request_id: "req-7",
    });
  }));

/** Makes every audit insert fail from here on. */
async function breakAudit({ state }: AccessFixture): Promise<void> {
  await state.transaction((tx) =>
    tx.run(sql`CREATE TRIGGER broken_audit BEFORE INSERT ON audit
      BEGIN SELECT RAISE(ABORT, 'injected fault'); END`)
  );
}

Deno.test("no mutation is stored without its audit row", () =>
  withAccess(async (fixture) => {
    const { access, local, createCaller, bearer } = fixture;
    await createCaller("root", "Admin");
    const { secret, ctx, tokenId } = await createCaller("alice", "Auditor");
    const users = await access.listUsers(local, PAGE);
    const tokens = await access.listTokens(local, PAGE);
    await breakAudit(fixture);
    const mutations = [
      () => access.createUser(local, { name: "bob", role: "Auditor" }),
      () => access.updateUser(local, { name: "alice", disabled: true }),
      () => access.createToken(local, { user: "alice" }),
      () => access.revokeToken(local, { id: tokenId }),
      () => access.createSession(ctx, { origin: "https://drls.example.com" }),
      () => access.bootstrap({ token: null }),
    ];
    for (const mutate of mutations) {
      await rejectsWith(mutate(), { kind: "conflict", code: "state_conflict" });
    }
    assert.deepEqual(await access.listUsers(local, PAGE), users);
    assert.deepEqual(await access.listTokens(local, PAGE), tokens);
    await bearer(secret);
  }));

Deno.test("no audit row is stored of a mutation that fails after it", () =>
  withAccess(async (fixture) => {
    const { state, local } = fixture;
    const failing = state.transaction(async (tx) => {
      const record = { action: "user.create", target: "user:x", before: null, after: {} } as const;
      await recordAudit(tx, { ...record, ctx: local, atMs: 1 });
      throw new RangeError("after the audit");
    });
    await assert.rejects(failing, RangeError);
    assert.deepEqual(await audit(fixture), []);
  }));

Deno.test("recordAudit() masks secrets, keeps 64-bit integers and bounds what it stores", () =>
  withAccess(async (fixture) => {
    const { state, local } = fixture;
    const after = { password: new Secret("hunter2"), snapshotId: 2n ** 63n - 1n };
    const before = { text: "x".repeat(70_000) };
    const record = { action: "config.update", target: "config:catalog", before, after } as const;
    await state.transaction((tx) => recordAudit(tx, { ...record, ctx: local, atMs: 1 }));
    const [entry] = await audit(fixture);
    assert.deepEqual(entry?.after, { password: Secret.mask, snapshotId: "9223372036854775807" });
    assert.deepEqual(entry?.before, { omitted: "too large for the audit", characters: 70_011 });
  }));

Deno.test("listAudit() is for lead data engineers and Admins", () =>
  withAccess(async ({ access, createCaller }) => {
    for (const role of ROLES) {
      const { ctx } = await createCaller(`user-${role}`, role);
      const listing = access.listAudit(ctx, { ...PAGE, filter: {} });
      if (role === "LeadDataEngineer" || role === "Admin") await listing;
      else await rejectsWith(listing, { kind: "forbidden", code: "role_required" });
    }
  }));

Deno.test("listAudit() narrows by principal, action, target, agent and time", () =>
  withAccess(async (fixture) => {
    const { access, clock, createCaller } = fixture;
    const { principal } = await createCaller("root", "Admin");
    const startMs = clock.now();
    clock.advance(1_000);
    const byAgent = callBy(principal, { agent: "claude" });
    const bob = await access.createUser(byAgent, { name: "bob", role: "Auditor" });
    clock.advance(1_000);
    await access.updateUser(callBy(principal), { name: "bob", role: "Admin" });
    const actions = async (filter: AuditFilter) =>
      (await audit(fixture, filter)).map(({ action }) => action);
    assert.deepEqual(await actions({ principal: "root" }), ["user.update", "user.create"]);
    assert.deepEqual(await actions({ principal: principal.id }), ["user.update", "user.create"]);
    assert.deepEqual(await actions({ target: `user:${bob.id}` }), ["user.update", "user.create"]);
    assert.deepEqual(await actions({ agent: "claude" }), ["user.create"]);
    assert.deepEqual(await actions({ principal: "root", action: "user.update" }), ["user.update"]);
    const at = (ms: number) => new Date(startMs + ms).toISOString();
    assert.deepEqual(await actions({ since: at(1_000), until: at(2_000) }), ["user.create"]);
    assert.deepEqual(await actions({ since: at(2_001) }), []);
    const offset = `${at(2_000).slice(0, -1)}+00:00`;
    assert.deepEqual(await actions({ since: offset }), ["user.update"]);
  }));

Deno.test("listAudit() refuses filters it does not know and times that are none", () =>
  withAccess(async ({ access, local }) => {
    for (const filter of [JSON.parse('{"who": "x"}'), { since: "yesterday" }]) {
      const listing = access.listAudit(local, { ...PAGE, filter });
      await rejectsWith(listing, { kind: "invalid", code: "invalid_input" });
    }
  }));

Deno.test("listAudit() pages newest first, and rows written meanwhile do not shift the pages", () =>
  withAccess(async ({ access, local }) => {
    for (let i = 0; i < 5; i++) {
      await access.createUser(local, { name: `user-${i}`, role: "Auditor" });
    }
    const first = await access.listAudit(local, { limit: 3, cursor: null, filter: {} });
    await access.createUser(local, { name: "late", role: "Auditor" });
    const cursor = first.next_cursor ?? assert.fail("there is a next page");
    const second = await access.listAudit(local, { limit: 3, cursor, filter: {} });
    assert.deepEqual([...first.entries, ...second.entries].map(({ id }) => Number(id)), [
      5,
      4,
      3,
      2,
      1,
    ]);
    assert.equal(second.next_cursor, undefined);
  }));
