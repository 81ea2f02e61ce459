import assert from "node:assert/strict";
import {
  isJson,
  jsonAt,
  jsonKeysAt,
  jsonLengthAt,
  jsonTextAt,
  jsonTypeAt,
} from "../../../lib/sql/json_path.ts";

const JSON_TEXT = '{"a": {"b": [1, "two", null, {"c d": 9007199254740993}]}, "x/y": true, "k": 5}';

const PATHS: Readonly<Record<string, string | null>> = {
  "$": '{"a":{"b":[1,"two",null,{"c d":9007199254740993}]},"x/y":true,"k":5}',
  "$.a.b[0]": "1",
  "$.a.b[1]": '"two"',
  "$.a.b[2]": "null",
  '$.a.b[3]."c d"': "9007199254740993",
  "$.a.b[#-1]": '{"c d":9007199254740993}',
  "$.a.b[-1]": '{"c d":9007199254740993}',
  "$.a.b[9]": null,
  "$.nothing": null,
  "/a/b/1": '"two"',
  "/x~1y": "true",
  "x/y": "true",
  k: "5",
  "constructor": null,
  "__proto__": null,
};

for (const [path, expected] of Object.entries(PATHS)) {
  Deno.test(`jsonAt() gives ${expected} at ${path}`, () => {
    assert.equal(jsonAt(JSON_TEXT, path), expected);
  });
}

Deno.test("jsonTextAt() takes the quotes off strings and makes JSON's null a null", () => {
  assert.equal(jsonTextAt(JSON_TEXT, "$.a.b[1]"), "two");
  assert.equal(jsonTextAt(JSON_TEXT, "$.a.b[2]"), null);
  assert.equal(jsonTextAt(JSON_TEXT, "$.a.b[3]"), '{"c d":9007199254740993}');
});

Deno.test("a text that is no JSON gives null, whatever is asked of it", () => {
  for (const text of ["", "{", "nope", "[1,]", '{"a":1} x']) {
    assert.equal(jsonAt(text, "$"), null);
    assert.equal(jsonLengthAt(text, "$"), null);
    assert.equal(jsonKeysAt(text, "$"), null);
    assert.equal(jsonTypeAt(text, "$"), null);
    assert.equal(isJson(text), false);
  }
});

Deno.test("jsonTypeAt(), jsonLengthAt() and jsonKeysAt() say what lies at a path", () => {
  assert.equal(jsonTypeAt(JSON_TEXT, "$.a"), "OBJECT");
  assert.equal(jsonTypeAt(JSON_TEXT, "$.a.b"), "ARRAY");
  assert.equal(jsonTypeAt("-5", null), "BIGINT");
  assert.equal(jsonTypeAt("1.5", null), "DOUBLE");
  assert.equal(jsonLengthAt(JSON_TEXT, "$.a.b"), 4);
  assert.equal(jsonLengthAt(JSON_TEXT, "$.a"), 0);
  assert.equal(jsonKeysAt(JSON_TEXT, "$"), '["a","x/y","k"]');
});
