import assert from "node:assert/strict";
import { hashSecret, newId, newSecret, shownPrefix } from "../../../lib/access/_secrets.ts";

Deno.test("newSecret() marks its kind, holds 256 bits and never repeats", () => {
  for (const [kind, prefix] of [["token", "drls_"], ["session", "drss_"], ["ticket", "drst_"]]) {
    assert.ok(kind === "token" || kind === "session" || kind === "ticket");
    const secret = newSecret(kind).reveal();
    assert.match(secret, new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`));
  }
  const secrets = new Set(Array.from({ length: 100 }, () => newSecret("token").reveal()));
  assert.equal(secrets.size, 100);
});

Deno.test("newSecret() shows a mask wherever it is printed", () => {
  const secret = newSecret("token");
  const shown = [String(secret), JSON.stringify({ secret }), Deno.inspect(secret)];
  for (const text of shown) assert.equal(text.includes(secret.reveal()), false);
});

Deno.test("shownPrefix() shows twelve characters of a token of ours and nothing of another", () => {
  const token = newSecret("token").reveal();
  assert.equal(shownPrefix(token), token.slice(0, 12));
  assert.equal(shownPrefix("a-token-that-an-operator-chose"), "");
  assert.equal(shownPrefix("drls_short"), "");
});

Deno.test("hashSecret() is SHA-256 in hex", () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(hashSecret("abc"), expected);
});

Deno.test("newId() names what it is the id of", () => {
  assert.match(newId("usr"), /^usr_[0-9a-f]{20}$/);
  assert.notEqual(newId("tok"), newId("tok"));
});
