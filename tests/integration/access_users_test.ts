import assert from "node:assert/strict";
import { type CallContext, ROLES } from "../../lib/access/mod.ts";
import { type AccessFixture, withAccess } from "../support/access_fixture.ts";
import { rejectsWith } from "../support/rejects.ts";

const FORBIDDEN = { kind: "forbidden", code: "role_required" } as const;
const INVALID = { kind: "invalid", code: "invalid_input" } as const;
const PAGE = { limit: 1000, cursor: null };

/** Every verb that is for Admins only. */
const ADMIN_VERBS: Readonly<
  Record<string, (fixture: AccessFixture, ctx: CallContext) => Promise<unknown>>
> = {
  createUser: ({ access }, ctx) => access.createUser(ctx, { name: "mallory", role: "Admin" }),
  listUsers: ({ access }, ctx) => access.listUsers(ctx, PAGE),
  getUser: ({ access }, ctx) => access.getUser(ctx, { name: "caller" }),
  updateUser: ({ access }, ctx) => access.updateUser(ctx, { name: "caller", role: "Admin" }),
  createToken: ({ access }, ctx) => access.createToken(ctx, { user: "caller" }),
  listTokens: ({ access }, ctx) => access.listTokens(ctx, PAGE),
  revokeToken: ({ access }, ctx) => access.revokeToken(ctx, { id: "tok_1" }),
};

for (const [name, call] of Object.entries(ADMIN_VERBS)) {
  Deno.test(`${name}() rejects every role below Admin, and changes nothing`, () =>
    withAccess(async (fixture) => {
      const { access, local, createCaller } = fixture;
      const callers = [];
      for (const role of ROLES.filter((role) => role !== "Admin")) {
        callers.push(await createCaller(`caller-${role}`, role));
      }
      const before = await access.listAudit(local, { ...PAGE, filter: {} });
      for (const { ctx } of callers) await rejectsWith(call(fixture, ctx), FORBIDDEN);
      assert.deepEqual(await access.listAudit(local, { ...PAGE, filter: {} }), before);
    }));
}

Deno.test("createUser() creates a user that is then listed by name", () =>
  withAccess(async ({ access, local, clock }) => {
    const bob = await access.createUser(local, { name: "bob", role: "Auditor" });
    const alice = await access.createUser(local, { name: "alice@example.com", role: "Admin" });
    assert.equal(bob.created_at, new Date(clock.now()).toISOString());
    assert.equal(bob.disabled_at, null);
    assert.deepEqual(await access.listUsers(local, PAGE), { users: [alice, bob] });
  }));

Deno.test("createUser() refuses a name that is taken, in any case of its letters", () =>
  withAccess(async ({ access, local }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    for (const name of ["alice", "Alice", "ALICE"]) {
      const creating = access.createUser(local, { name, role: "Auditor" });
      await rejectsWith(creating, { kind: "already_exists", code: "user_exists" });
    }
  }));

Deno.test("createUser() refuses names that would read as something else", () =>
  withAccess(async ({ access, local }) => {
    const names = ["", " ", "a b", "-a", ".a", "a/b", "a\n", "ä", "a\u200b", "x".repeat(129)];
    for (const name of names) {
      const error = await rejectsWith(access.createUser(local, { name, role: "Auditor" }), INVALID);
      assert.deepEqual(error.issues.map(({ path }) => path), ["name"]);
    }
  }));

Deno.test("createUser() names unknown fields and unknown roles", () =>
  withAccess(async ({ access, local }) => {
    const input = JSON.parse('{"name": "alice", "role": "Owner", "admin": true}');
    const error = await rejectsWith(access.createUser(local, input), INVALID);
    assert.deepEqual(error.issues.map(({ path }) => path).sort(), ["admin", "role"]);
  }));

Deno.test("listUsers() pages through all users without a gap", () =>
  withAccess(async ({ access, local }) => {
    const names = Array.from({ length: 7 }, (_, i) => `user-${i}`);
    for (const name of names) await access.createUser(local, { name, role: "Auditor" });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof access.listUsers>> = await access.listUsers(local, {
        limit: 3,
        cursor,
      });
      seen.push(...page.users.map(({ name }) => name));
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
    assert.deepEqual(seen, names);
  }));

Deno.test("listUsers() refuses limits and cursors that are not its own", () =>
  withAccess(async ({ access, local }) => {
    for (const limit of [0, -1, 1.5, 1001, NaN]) {
      const listing = access.listUsers(local, { limit, cursor: null });
      await rejectsWith(listing, { kind: "invalid", code: "invalid_limit" });
    }
    for (const cursor of ["", "?", "x", btoa("tokens:1").replaceAll("=", ""), "a".repeat(600)]) {
      const listing = access.listUsers(local, { limit: 1, cursor });
      await rejectsWith(listing, { kind: "invalid", code: "invalid_cursor" });
    }
  }));

Deno.test("updateUser() changes what is named and keeps the rest", () =>
  withAccess(async ({ access, local, clock }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const promoted = await access.updateUser(local, { name: "alice", role: "DataEngineer" });
    assert.deepEqual([promoted.role, promoted.disabled_at], ["DataEngineer", null]);
    const disabled = await access.updateUser(local, { name: "alice", disabled: true });
    assert.equal(disabled.role, "DataEngineer");
    assert.equal(disabled.disabled_at, new Date(clock.now()).toISOString());
    clock.advance(1_000);
    const again = await access.updateUser(local, { name: "alice", disabled: true });
    assert.equal(again.disabled_at, disabled.disabled_at);
    const enabled = await access.updateUser(local, { name: "alice", disabled: false });
    assert.equal(enabled.disabled_at, null);
  }));

Deno.test("updateUser() refuses to leave no Admin who may sign in", () =>
  withAccess(async ({ access, local, createCaller }) => {
    const lastAdmin = { kind: "conflict", code: "last_admin" } as const;
    await createCaller("one", "Admin");
    await rejectsWith(access.updateUser(local, { name: "one", role: "Auditor" }), lastAdmin);
    await rejectsWith(access.updateUser(local, { name: "one", disabled: true }), lastAdmin);
    await createCaller("two", "Admin");
    await access.updateUser(local, { name: "one", disabled: true });
    await rejectsWith(access.updateUser(local, { name: "two", disabled: true }), lastAdmin);
  }));

Deno.test("getUser() finds a user whatever the case of its name, and says where there is none", () =>
  withAccess(async ({ access, local }) => {
    const alice = await access.createUser(local, { name: "alice", role: "Auditor" });
    assert.deepEqual(await access.getUser(local, { name: "ALICE" }), alice);
    const finding = access.getUser(local, { name: "nobody" });
    await rejectsWith(finding, { kind: "not_found", code: "user_not_found" });
  }));

Deno.test("updateUser() does not know users that are not there", () =>
  withAccess(async ({ access, local }) => {
    const updating = access.updateUser(local, { name: "nobody", role: "Auditor" });
    await rejectsWith(updating, { kind: "not_found", code: "user_not_found" });
  }));
