import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonOutput, parseJson, stringifyJson } from "../../../../lib/json.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import { serializeTableMetadata } from "../../../../lib/iceberg/spec/serialize_table_metadata.ts";
import { fixtureFiles, v1Document, v2Document, v3Document } from "./_metadata.ts";

/** What one hostile document may cost at most; honest ones take a few milliseconds. */
const MAX_MS = 2_000;

const seeds = [
  ...fixtureFiles().map(({ text }) => text),
  ...[v1Document(), v2Document(), v3Document()].map((document) => stringifyJson(document)),
];
const seed = fc.constantFrom(...seeds);

/** Values that have broken parsers before. */
const poison: fc.Arbitrary<JsonOutput> = fc.oneof(
  fc.constantFrom<JsonOutput>(
    null,
    true,
    -1,
    0,
    1.5,
    2 ** 31,
    2 ** 53,
    2n ** 63n,
    -(2n ** 63n),
    10n ** 100n,
    "",
    "__proto__",
    "decimal(38,38)",
    "bucket[0]",
    [],
    [null],
    {},
    { type: "struct", fields: [] },
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonOutput>,
);

/** Parses; anything thrown must be an AppError, and what is accepted must survive a rewrite. */
function mustEndWell(bytes: Uint8Array): void {
  const startMs = performance.now();
  try {
    const metadata = parseTableMetadata(bytes, { location: "m.json" });
    const written = new TextEncoder().encode(serializeTableMetadata(metadata));
    assert.deepEqual(parseTableMetadata(written, { location: "m.json" }), metadata);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    assert(["corrupt_data", "unsupported"].includes(error.kind), error.kind);
    assert(error.message.length < 1_000, error.message);
  }
  const elapsedMs = performance.now() - startMs;
  assert(elapsedMs < MAX_MS, `took ${elapsedMs} ms`);
}

/** Every path to a value inside a document. */
function pathsOf(json: unknown, path: readonly string[] = []): string[][] {
  if (typeof json !== "object" || json === null) return [];
  return Object.keys(json).flatMap((key) => {
    const inner = [...path, key];
    return [inner, ...pathsOf(Reflect.get(json, key), inner)];
  });
}

const documents = seeds.map((text) => ({ text, paths: pathsOf(parseJson(text)) }));

/** A real document with one to three of its values replaced or removed. */
const mutated = fc.constantFrom(...documents).chain(({ text, paths }) =>
  fc.array(
    fc.record({
      path: fc.constantFrom(...paths),
      value: fc.option(poison, { nil: undefined }),
      remove: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ).map((changes) => {
    const document = parseJson(text);
    for (const { path, value, remove } of changes) {
      const parent = path.slice(0, -1).reduce<unknown>(
        (node, key) => typeof node === "object" && node !== null ? Reflect.get(node, key) : null,
        document,
      );
      const last = path.at(-1);
      if (typeof parent !== "object" || parent === null || last === undefined) continue;
      if (remove && !Array.isArray(parent)) Reflect.deleteProperty(parent, last);
      else Reflect.set(parent, last, value ?? null);
    }
    return stringifyJson(document);
  })
);

Deno.test("parseTableMetadata() ends well on real documents with hostile values in them", () => {
  fc.assert(
    fc.property(mutated, (text) => mustEndWell(new TextEncoder().encode(text))),
    { numRuns: 1_500 },
  );
});

Deno.test("parseTableMetadata() ends well on real documents cut, spliced and overwritten", () => {
  const edits = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.uint8Array({ maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(
      seed,
      edits,
      fc.double({ min: 0.5, max: 1, noNaN: true }),
      (text, changes, keep) => {
        const source = new TextEncoder().encode(text);
        for (const { at, bytes } of changes) {
          const offset = Math.floor(at * (source.length - bytes.length));
          source.set(bytes, Math.max(offset, 0));
        }
        mustEndWell(source.subarray(0, Math.ceil(source.length * keep)));
        mustEndWell(source);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("parseTableMetadata() ends well on any bytes at all", () => {
  const prefixes = fc.constantFrom([], [0x1f, 0x8b], [0x1f, 0x8b, 8, 0], [0x7b, 0x22]);
  fc.assert(fc.property(prefixes, fc.uint8Array({ maxLength: 64 }), (prefix, bytes) => {
    mustEndWell(new Uint8Array([...prefix, ...bytes]));
  }));
});

Deno.test("parseTableMetadata() ends well on nesting, length and names that multiply", () => {
  const open = '{"type":"struct","fields":[{"id":1,"name":"a","required":true,"type":';
  const deep = `{"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1",
    "location":"l","partition-specs":[],"schemas":[${open.repeat(5_000)}`;
  const wide = `{"format-version":1,"location":"l","last-updated-ms":1,"last-column-id":1,
    "schema":{"fields":[${'{"id":1,"name":"a","required":true,"type":"int"},'.repeat(100_000)}`;
  const texts = [
    deep,
    wide,
    `{"format-version":${"9".repeat(500_000)}}`,
    `{"format-version":2,"a":${"[".repeat(500_000)}`,
    `{"properties":{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":""`).join()}},` +
    `"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"l",` +
    `"partition-specs":[],"last-updated-ms":1,"last-column-id":1}`,
  ];
  for (const text of texts) mustEndWell(new TextEncoder().encode(text));
});
