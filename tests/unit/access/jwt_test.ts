import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { looksLikeJwt } from "../../../lib/access/jwt.ts";
import { HeldClock } from "../../support/access_fixture.ts";
import { AUDIENCE, forge, ISSUER, TestProvider } from "../../support/jwks.ts";
import { rejectsWith } from "../../support/rejects.ts";

const INVALID = { kind: "unauthenticated", code: "invalid_token" } as const;
const EXPIRED = { kind: "unauthenticated", code: "token_expired" } as const;
const NO_ROLE = { kind: "forbidden", code: "role_missing" } as const;

for (const algorithm of ["RS256", "ES256", "EdDSA"]) {
  Deno.test(`verify() accepts ${algorithm} and takes id, name and role from the claims`, async () => {
    const clock = new HeldClock();
    const provider = await TestProvider.create(clock, algorithm);
    const claims = { role: "LeadDataEngineer", preferred_username: "alice" };
    const principal = await provider.verifier().verify(await provider.sign({ claims }));
    assert.deepEqual(principal, {
      id: `${ISSUER}|user-1`,
      name: "alice",
      role: "LeadDataEngineer",
      credential: { kind: "jwt", issuer: ISSUER, expiresAtMs: clock.now() + 300_000 },
    });
  });
}

for (const algorithm of ["PS256", "ES384"]) {
  Deno.test(`verify() refuses ${algorithm}, which is not on the list`, async () => {
    const provider = await TestProvider.create(new HeldClock(), algorithm);
    await rejectsWith(provider.verifier().verify(await provider.sign()), INVALID);
  });
}

Deno.test("verify() refuses what is expired, early, or meant for or from others", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const verifier = provider.verifier();
  await rejectsWith(verifier.verify(await provider.sign({ expiresIn: -31 })), EXPIRED);
  const wrong = [
    { notBeforeIn: 60 },
    { audience: "another" },
    { issuer: "https://evil.example.com/" },
    { subject: null },
    { subject: "" },
    { expiresIn: null },
  ];
  for (const token of wrong) {
    await rejectsWith(verifier.verify(await provider.sign(token)), INVALID);
  }
});

Deno.test("verify() forgives clocks that differ by a few seconds", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const verifier = provider.verifier();
  await verifier.verify(await provider.sign({ expiresIn: -29 }));
  await verifier.verify(await provider.sign({ notBeforeIn: 29 }));
});

Deno.test("verify() refuses another key's signature, a changed payload and no signature", async () => {
  const clock = new HeldClock();
  const provider = await TestProvider.create(clock);
  const stranger = await TestProvider.create(clock);
  const verifier = provider.verifier();
  await rejectsWith(verifier.verify(await stranger.sign()), INVALID);
  const [header, , signature] = (await provider.sign()).split(".");
  const payload = btoa(JSON.stringify({ sub: "root", role: "Admin" })).replaceAll("=", "");
  await rejectsWith(verifier.verify(`${header}.${payload}.${signature}`), INVALID);
  await rejectsWith(verifier.verify(`${header}.${payload}.`), INVALID);
});

Deno.test('verify() refuses the algorithm "none" and does not fetch keys for it', async () => {
  const clock = new HeldClock();
  const provider = await TestProvider.create(clock);
  const exp = clock.now() / 1000 + 300;
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: "root", role: "Admin", exp };
  for (const alg of ["none", "None", "NONE", ""]) {
    await rejectsWith(provider.verifier().verify(forge({ alg }, payload)), INVALID);
  }
  assert.equal(provider.fetches, 0);
});

Deno.test("verify() refuses a token signed with the public key as a shared secret", async () => {
  const clock = new HeldClock();
  const provider = await TestProvider.create(clock, "RS256");
  const token = await new SignJWT({ role: "Admin" })
    .setProtectedHeader({ alg: "HS256", kid: "key-1" })
    .setIssuer(ISSUER).setAudience(AUDIENCE).setSubject("root")
    .setExpirationTime(clock.now() / 1000 + 300)
    .sign(new TextEncoder().encode(provider.published));
  await rejectsWith(provider.verifier().verify(token), INVALID);
});

Deno.test("verify() keeps the token and its claims out of messages and causes", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const token = await provider.sign({ audience: "hunter2-audience" });
  const error = await rejectsWith(provider.verifier().verify(token), INVALID);
  const shown = Deno.inspect([error.message, error.context, error.cause]);
  assert.equal(shown.includes("hunter2"), false);
  assert.equal(shown.includes(token.slice(0, 20)), false);
});

Deno.test("verify() reads the role from a nested claim, a list, or a mapped value", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const nested = provider.verifier({ roleClaim: "realm_access.roles" });
  const roles = ["offline_access", "Auditor", "DataEngineer"];
  const first = await nested.verify(await provider.sign({ claims: { realm_access: { roles } } }));
  assert.equal(first.role, "DataEngineer");
  const url = "https://example.com/roles";
  const mapped = provider.verifier({
    roleClaim: url,
    roleMapping: { "drls-ops": "Admin", "drls-view": "Auditor" },
  });
  const second = await mapped.verify(await provider.sign({ claims: { [url]: ["drls-ops"] } }));
  assert.equal(second.role, "Admin");
  const unmapped = await provider.sign({ claims: { [url]: ["Admin", "toString"] } });
  await rejectsWith(mapped.verify(unmapped), NO_ROLE);
});

Deno.test("verify() forbids a valid token that names no role of ours", async () => {
  const provider = await TestProvider.create(new HeldClock());
  for (const role of [undefined, null, "admin", "Owner", 7, {}, [], ["x"], { Admin: true }]) {
    const token = await provider.sign({ claims: role === undefined ? {} : { role } });
    await rejectsWith(provider.verifier().verify(token), NO_ROLE);
  }
});

Deno.test("looksLikeJwt() tells JWTs from API tokens", () => {
  assert.equal(looksLikeJwt(forge({ alg: "none" }, {})), true);
  assert.equal(looksLikeJwt("drls_abc"), false);
  assert.equal(looksLikeJwt("eyJ.only-two"), false);
  assert.equal(looksLikeJwt("eyJ.a.b.c"), false);
});
