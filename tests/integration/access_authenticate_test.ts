import assert from "node:assert/strict";
import { z } from "zod";
import { type Role, ROLES } from "../../lib/access/mod.ts";
import { Secret } from "../../lib/secret.ts";
import { sql } from "../../lib/state/mod.ts";
import { type AccessFixture, HeldClock, withAccess } from "../support/access_fixture.ts";
import { forge, TestProvider } from "../support/jwks.ts";
import { rejectsWith } from "../support/rejects.ts";

const DAY_MS = 24 * 60 * 60_000;

/** Makes a credential that must be refused. */
type Refused = (fixture: AccessFixture) => string | Promise<string>;

const REFUSED: Readonly<Record<string, { readonly code: string; readonly make: Refused }>> = {
  "an empty credential": { code: "malformed_credentials", make: () => "" },
  "a credential with blanks": { code: "malformed_credentials", make: () => "drls_a b" },
  "a credential beyond ASCII": { code: "malformed_credentials", make: () => "drls_ä" },
  "an overlong credential": { code: "malformed_credentials", make: () => "x".repeat(8_193) },
  "an unknown token": { code: "invalid_token", make: () => `drls_${"A".repeat(43)}` },
  "a token with another last character": {
    code: "invalid_token",
    make: async ({ createCaller }) => {
      const { secret } = await createCaller("alice", "Admin");
      return secret.slice(0, -1) + (secret.endsWith("A") ? "B" : "A");
    },
  },
  "a token's stored hash": {
    code: "invalid_token",
    make: async ({ createCaller, state }) => {
      await createCaller("alice", "Admin");
      const Row = z.object({ secret_hash: z.string() });
      const [row] = await state.read(Row, sql`SELECT secret_hash FROM tokens`);
      return row?.secret_hash ?? assert.fail("no token is stored");
    },
  },
  "an expired token": {
    code: "token_expired",
    make: async ({ access, local, clock }) => {
      await access.createUser(local, { name: "alice", role: "Admin" });
      const input = { user: "alice", expires_in_days: 1 };
      const { secret } = await access.createToken(local, input);
      clock.advance(DAY_MS);
      return secret.reveal();
    },
  },
  "a revoked token": {
    code: "token_revoked",
    make: async ({ access, local, createCaller }) => {
      const { secret, tokenId } = await createCaller("alice", "Admin");
      await access.revokeToken(local, { id: tokenId });
      return secret;
    },
  },
  "the token of a disabled user": {
    code: "user_disabled",
    make: async ({ access, local, createCaller }) => {
      await createCaller("root", "Admin");
      const { secret } = await createCaller("alice", "Admin");
      await access.updateUser(local, { name: "alice", disabled: true });
      return secret;
    },
  },
  "a JWT where none are accepted": {
    code: "invalid_token",
    make: () => forge({ alg: "ES256" }, { sub: "root", role: "Admin" }, "c2ln"),
  },
};

for (const [name, { code, make }] of Object.entries(REFUSED)) {
  Deno.test(`authenticateBearer() refuses ${name}`, () =>
    withAccess(async (fixture) => {
      const credential = await make(fixture);
      const expected = { kind: "unauthenticated", code } as const;
      const error = await rejectsWith(fixture.bearer(credential), expected);
      assert.ok(credential === "" || !error.message.includes(credential));
    }));
}

for (const role of ROLES) {
  Deno.test(`authenticateBearer() accepts the token of a user who is ${role}`, () =>
    withAccess(async ({ createCaller, bearer }) => {
      const { secret, tokenId, principal } = await createCaller("alice", role);
      const expected = { name: "alice", role, credential: { kind: "token", tokenId } };
      assert.deepEqual(await bearer(secret), { ...expected, id: principal.id });
    }));
}

Deno.test("authenticateBearer() accepts a token until the moment it expires", () =>
  withAccess(async ({ access, local, clock, bearer }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const { secret, token } = await access.createToken(local, {
      user: "alice",
      expires_in_days: 1,
    });
    assert.equal(Date.parse(token.expires_at ?? ""), clock.now() + DAY_MS);
    clock.advance(DAY_MS - 1);
    await bearer(secret.reveal());
    clock.advance(1);
    const expected = { kind: "unauthenticated", code: "token_expired" } as const;
    await rejectsWith(bearer(secret.reveal()), expected);
  }));

Deno.test("authenticateBearer() follows a change of role at once, up and down", () =>
  withAccess(async ({ access, local, createCaller, bearer }) => {
    const { secret } = await createCaller("alice", "Auditor");
    for (const role of ["LeadDataEngineer", "Auditor"] satisfies Role[]) {
      await access.updateUser(local, { name: "alice", role });
      assert.equal((await bearer(secret)).role, role);
    }
  }));

Deno.test("authenticateBearer() accepts a JWT beside tokens, and looks for a token first", async () => {
  const clock = new HeldClock();
  const provider = await TestProvider.create(clock);
  await withAccess(async ({ access, bearer }) => {
    const principal = await bearer(await provider.sign({ claims: { role: "Auditor" } }));
    assert.deepEqual([principal.role, principal.credential.kind], ["Auditor", "jwt"]);
    const chosen = forge({ alg: "none" }, { chosen: "by the operator" }, "with-dots");
    await access.bootstrap({ token: new Secret(chosen) });
    assert.equal((await bearer(chosen)).role, "Admin");
  }, { jwt: provider.verifier() });
});

Deno.test("authenticateBearer() notes the use of a token once an hour", () =>
  withAccess(async ({ access, local, createCaller, bearer, clock }) => {
    const { secret } = await createCaller("alice", "Auditor");
    const lastUsed = async () => {
      const { tokens } = await access.listTokens(local, { limit: 1, cursor: null });
      return Date.parse(tokens[0]?.last_used_at ?? "");
    };
    const firstMs = clock.now();
    assert.equal(await lastUsed(), firstMs);
    clock.advance(59 * 60_000);
    await bearer(secret);
    assert.equal(await lastUsed(), firstMs);
    clock.advance(60_000);
    await bearer(secret);
    assert.equal(await lastUsed(), firstMs + 60 * 60_000);
  }));

Deno.test("refresh() follows role, revocation and disabling of a token's user", () =>
  withAccess(async ({ access, local, createCaller }) => {
    await createCaller("root", "Admin");
    const { principal, tokenId } = await createCaller("alice", "Auditor");
    await access.updateUser(local, { name: "alice", role: "DataEngineer" });
    assert.equal((await access.refresh(principal)).role, "DataEngineer");
    await access.updateUser(local, { name: "alice", disabled: true });
    const disabled = { kind: "unauthenticated", code: "user_disabled" } as const;
    await rejectsWith(access.refresh(principal), disabled);
    await access.updateUser(local, { name: "alice", disabled: false });
    await access.refresh(principal);
    await access.revokeToken(local, { id: tokenId });
    const revoked = { kind: "unauthenticated", code: "token_revoked" } as const;
    await rejectsWith(access.refresh(principal), revoked);
  }));
