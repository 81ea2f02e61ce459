/** Contract of names: which locations are refused, and that every other name means itself. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  assertRejects,
  bytesOf,
  contractTest,
  type FileIoContractOptions,
  type FileIoSubject,
  readText,
} from "./file_io_contract_subject.ts";

/** Names that other stores and clients have stumbled over. */
export const ODD_NAMES: readonly string[] = [
  "ts=2023-08-22T09%3A15%3A20",
  "with space",
  " leading and trailing ",
  "plus+plus",
  "a+b c%20d%2Fe",
  "100%",
  "%2e%2e",
  "eq==uals",
  "amp&semi;comma,at@colon:dollar$",
  "hash#question?",
  "quote'double\"back`tick",
  "(paren)[square]{curly}<angle>",
  "star*bang!tilde~caret^pipe|",
  "back\\slash",
  "Ünïcödé-日本語-🦆",
  "e\u0301",
  "\u00e9",
  "...",
  ".hidden",
  "-dash",
  "UPPER",
];

/** Registers the contract of names. */
export function registerNameContract(options: FileIoContractOptions): void {
  contractTest(options, "keeps odd names as they are", async (subject) => {
    for (const name of ODD_NAMES) await assertRoundTrip(subject, `odd/${name}/${name}`);
    const listed = await subject.io.listFolder(`${subject.root}/odd`);
    assert.deepEqual(listed.map((entry) => entry.name), [...ODD_NAMES].sort());
    const found = await Array.fromAsync(subject.io.listRecursive(subject.root));
    assert.deepEqual(
      found.map((stat) => stat.location).sort(),
      ODD_NAMES.map((name) => `${subject.root}/odd/${name}/${name}`).sort(),
    );
  });

  contractTest(options, "keeps any name as it is", async (subject) => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((text) =>
      // deno-lint-ignore no-control-regex -- they have no form in XML 1.0, in which stores answer.
      !/[\/\x00-\x1f\x7f\ufffe\uffff]/.test(text) && text !== "." && text !== ".." &&
      text.isWellFormed() && bytesOf(text).length <= 200
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        const folder = `any/${run++}`;
        await assertRoundTrip(subject, `${folder}/${text}`);
        const listed = await subject.io.listFolder(`${subject.root}/${folder}`);
        assert.deepEqual(listed, [{ name: text, kind: "file" }]);
      }),
      { numRuns: options.propertyRuns },
    );
  });

  contractTest(options, "refuses unusable locations", async ({ io }) => {
    const wrong = ["", "relative/path", "./relative", "file:relative", "/nul\0byte", "/lone\ud800"];
    for (const location of [...wrong, `/${"x".repeat(5_000)}`, "file://host/path"]) {
      const expected = { kind: "invalid", code: "location_invalid" } as const;
      await assertRejects(io.read(location), expected);
      await assertRejects(io.stat(location), expected);
      await assertRejects(io.listFolder(location), expected);
      await assertRejects(Array.fromAsync(io.listRecursive(location)), expected);
      await assertRejects(io.createIfAbsent(location, bytesOf("x")), expected);
      await assertRejects(io.put(location, bytesOf("x")), expected);
      await assertRejects(io.openWriter(location), expected);
      await assertRejects(io.delete(location), expected);
    }
  });

  contractTest(options, "refuses locations outside its roots", async ({ io }) => {
    if (options.outside === null) return;
    const outside = options.outside;
    const calls: readonly (() => Promise<unknown>)[] = [
      () => io.read(outside),
      () => io.stat(outside),
      () => io.listFolder(outside),
      () => Array.fromAsync(io.listRecursive(outside)),
      () => io.createIfAbsent(outside, bytesOf("x")),
      () => io.put(outside, bytesOf("x")),
      () => io.openWriter(outside),
      () => io.delete(outside),
    ];
    for (const call of calls) {
      const error = await assertRejects(call(), {
        kind: "forbidden",
        code: "location_outside_warehouse",
      });
      assert.match(error.message, /DRLS_STORAGE_ROOTS/);
    }
  });
}

async function assertRoundTrip(subject: FileIoSubject, path: string): Promise<void> {
  const location = `${subject.root}/${path}`;
  await subject.io.createIfAbsent(location, bytesOf(path));
  assert.equal(await readText(subject.io, location), path);
  assert.equal((await subject.io.stat(location))?.sizeBytes, bytesOf(path).length);
  await assertRejects(subject.io.createIfAbsent(location, bytesOf(path)), {
    kind: "already_exists",
  });
}
