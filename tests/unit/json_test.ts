import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../lib/errors.ts";
import {
  JsonNumberText,
  type JsonValue,
  MAX_JSON_DEPTH,
  MAX_JSON_OBJECTS,
  MAX_JSON_VALUES,
  parseJson,
  stringifyJson,
} from "../../lib/json.ts";

/** Copies null-prototype objects into ordinary ones, so that deepEqual compares contents. */
function plain(value: JsonValue): unknown {
  return typeof value === "bigint" ? value : structuredClone(value);
}

function failure(text: string | Uint8Array, options = {}): AppError {
  try {
    parseJson(text, options);
  } catch (error) {
    assert(error instanceof AppError, `threw ${error}`);
    return error;
  }
  assert.fail(`parsed ${String(text.slice(0, 80))}`);
}

Deno.test("parseJson() keeps integers beyond 2^53 exact as bigint", () => {
  assert.equal(parseJson("3051729675574597004"), 3051729675574597004n);
  assert.equal(parseJson("-9223372036854775808"), -9223372036854775808n);
  assert.equal(parseJson("9007199254740993"), 9007199254740993n);
});

Deno.test("parseJson() gives a number for every safe integer", () => {
  assert.equal(parseJson("9007199254740991"), 9007199254740991);
  assert.equal(parseJson("-9007199254740991"), -9007199254740991);
  assert.equal(parseJson("1515100955770"), 1515100955770);
  // 2^53 itself could be a rounded 2^53 + 1, so it is not "safe".
  assert.equal(parseJson("9007199254740992"), 9007199254740992n);
  assert(Object.is(parseJson("-0"), -0));
});

Deno.test("parseJson() reads fractions and exponents as numbers", () => {
  assert.equal(parseJson("1.0"), 1);
  assert.equal(parseJson("-12.5e-3"), -0.0125);
  assert.equal(parseJson("1E3"), 1000);
  assert.equal(parseJson("123456789012345678.5"), 123456789012345680);
});

Deno.test("parseJson() gives objects no prototype, so that hostile keys are only keys", () => {
  const object = parseJson('{"__proto__": {"polluted": 1}, "constructor": 2}');
  assert.equal(Object.getPrototypeOf(object), null);
  assert.deepEqual(Object.keys(object as object), ["__proto__", "constructor"]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("parseJson() lets the last of duplicate keys win", () => {
  assert.deepEqual(plain(parseJson('{"a": 1, "b": 2, "a": 3}')), { a: 3, b: 2 });
});

Deno.test("parseJson() decodes every escape", () => {
  assert.equal(
    parseJson('"a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00z"'),
    'a"\\/\b\f\n\r\té😀z',
  );
  assert.equal(parseJson('"\\u0000"'), "\0");
});

Deno.test("parseJson() skips a byte order mark of bytes", () => {
  assert.deepEqual(parseJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x5b, 0x5d])), []);
});

const REFUSED = [
  "",
  " ",
  "tru",
  "nul",
  "True",
  "NaN",
  "Infinity",
  "+1",
  "01",
  "-",
  "-01",
  "1.",
  ".5",
  "1e",
  "1e+",
  "1.5e",
  "1.2.3",
  "1e400",
  "1 2",
  "[1,]",
  "[,1]",
  "[1 2]",
  "[1",
  "[",
  "{",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{"a":1',
  "{a:1}",
  "{'a':1}",
  '"a',
  '"a\nb"',
  '"\\x"',
  '"\\u12g4"',
  '"\\u12',
  '"\\',
  "// comment\n1",
  "[1]]",
  "\u00a01",
  "0x10",
  "\ufeff1",
];

for (const text of REFUSED) {
  Deno.test(`parseJson() refuses ${JSON.stringify(text)}`, () => {
    const error = failure(text);
    assert.equal(error.kind, "malformed");
    assert.equal(error.code, "malformed_json");
    assert.match(error.message, /at byte \d+$/);
  });
}

Deno.test("parseJson() names the offset in bytes, not in code units", () => {
  assert.equal(failure('["é😀", x]').context["offset"], 11);
  assert.equal(failure('{"a": 1,, "b": 2}').context["offset"], 8);
});

Deno.test("parseJson() refuses bytes that are not UTF-8", () => {
  assert.equal(failure(new Uint8Array([0x22, 0xff, 0x22])).kind, "malformed");
  assert.equal(failure(new Uint8Array([0x22, 0xc3])).kind, "malformed");
});

Deno.test("parseJson() bounds nesting", () => {
  assert.match(failure("[".repeat(300) + "]".repeat(300)).message, /deeper than 256 levels/);
  assert.match(failure('{"a":'.repeat(100_000)).message, /deeper than 256 levels/);
  assert.deepEqual(parseJson("[[]]", { maxDepth: 2 }), [[]]);
  assert.match(failure("[[]]", { maxDepth: 1 }).message, /deeper than 1 levels/);
  const deepest = "[".repeat(MAX_JSON_DEPTH) + "]".repeat(MAX_JSON_DEPTH);
  assert(Array.isArray(parseJson(deepest, { maxDepth: MAX_JSON_DEPTH })));
  assert.throws(() => parseJson("1", { maxDepth: MAX_JSON_DEPTH + 1 }), RangeError);
});

Deno.test("parseJson() closes a level where its bracket does", () => {
  assert.deepEqual(parseJson("[[],[],[],[]]", { maxDepth: 2 }), [[], [], [], []]);
});

Deno.test("parseJson() bounds the document", () => {
  const error = failure("[1, 2, 3]", { maxBytes: 8 });
  assert.equal(error.kind, "too_large");
  assert.equal(error.code, "json_too_large");
  assert.deepEqual(parseJson("[1]", { maxBytes: 3 }), [1]);
});

Deno.test("parseJson() bounds the digits of a number", () => {
  assert.match(failure("9".repeat(1_000_000)).message, /more than 1000 characters/);
  assert.match(failure(`0.${"1".repeat(1_000_000)}`).message, /more than 1000 characters/);
  assert.equal(parseJson("9".repeat(1_000)), BigInt("9".repeat(1_000)));
});

Deno.test("parseJson() agrees with JSON.parse on every document of small numbers", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const expected = JSON.parse(text, (_, v) => v);
    assert.equal(stringifyJson(parseJson(text)), stringifyJson(expected));
  }));
});

Deno.test("parseJson() accepts exactly what JSON.parse accepts", () => {
  const fragments = fc.constantFrom(
    ...'{}[],:"\\ \n\t01-+.eEu'.split(""),
    "true",
    "null",
    '"a"',
    '"a":',
    "12",
    "\\u00",
  );
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      if (valid) parseJson(text);
      else assert.equal(failure(text).kind, "malformed");
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("parseJson() refuses a small document that would fill the memory", () => {
  for (const unit of ["{},", '{"a":{}},']) {
    const objects = failure(`[${unit.repeat(MAX_JSON_OBJECTS + 1)}0]`);
    assert.equal(objects.code, "json_too_large");
    assert.match(objects.message, /more than 1500000 objects/);
  }
  const values = failure(`[${"0,".repeat(MAX_JSON_VALUES)}0]`);
  assert.equal(values.kind, "too_large");
  assert.match(values.message, /more than 8000000 values/);
});

Deno.test("stringifyJson() prints a bigint as a bare integer", () => {
  assert.equal(stringifyJson({ id: 3051729675574597004n }), '{"id":3051729675574597004}');
});

Deno.test("stringifyJson() prints as JSON.stringify does, on one line or indented", () => {
  const value = { a: [1, [], {}, { b: "é\n\u2028" }], c: null, d: true, e: -1.5e-9 };
  assert.equal(stringifyJson(value), JSON.stringify(value));
  assert.equal(stringifyJson(value, { indent: 2 }), JSON.stringify(value, null, 2));
  assert.equal(stringifyJson([], { indent: 2 }), "[]");
});

Deno.test("stringifyJson() keeps the text of a JsonNumberText", () => {
  assert.equal(stringifyJson([new JsonNumberText("1.0")]), "[1.0]");
  assert.throws(() => new JsonNumberText("1.0]"), TypeError);
});

Deno.test("stringifyJson() refuses a number that JSON cannot hold", () => {
  assert.throws(() => stringifyJson(Number.NaN), TypeError);
  assert.throws(() => stringifyJson([Infinity]), TypeError);
});

Deno.test("stringifyJson() and parseJson() are inverse on integers of any size", () => {
  fc.assert(fc.property(fc.bigInt(), (value) => {
    const parsed = parseJson(stringifyJson(value));
    assert.equal(BigInt(parsed as number | bigint), value);
  }));
});
