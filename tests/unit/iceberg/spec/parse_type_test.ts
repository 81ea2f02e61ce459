import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonValue, parseJson, stringifyJson } from "../../../../lib/json.ts";
import { formatPrimitiveType, typeToJson } from "../../../../lib/iceberg/spec/format_type.ts";
import { parsePrimitiveType, parseType } from "../../../../lib/iceberg/spec/parse_type.ts";
import type { PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { primitiveTypeAndValue } from "./_arbitraries.ts";

const geography = (crs: string | null, algorithm: string | null): PrimitiveType => ({
  kind: "geography",
  crs,
  algorithm,
});

const CANONICAL: readonly (readonly [string, PrimitiveType])[] = [
  ["int", { kind: "int" }],
  ["timestamptz_ns", { kind: "timestamptz_ns" }],
  ["unknown", { kind: "unknown" }],
  ["variant", { kind: "variant" }],
  ["decimal(9, 2)", { kind: "decimal", precision: 9, scale: 2 }],
  ["fixed[16]", { kind: "fixed", length: 16 }],
  ["geometry", { kind: "geometry", crs: null }],
  ["geometry(srid:4326)", { kind: "geometry", crs: "srid:4326" }],
  ["geography", geography(null, null)],
  ["geography(OGC:CRS84)", geography("OGC:CRS84", null)],
  ["geography(srid:4326, spherical)", geography("srid:4326", "spherical")],
];

for (const [text, type] of CANONICAL) {
  Deno.test(`parsePrimitiveType() and formatPrimitiveType() agree on ${text}`, () => {
    assert.deepEqual(parsePrimitiveType(text), type);
    assert.equal(formatPrimitiveType(type), text);
    assert.equal(typeToJson(type), text);
  });
}

const VARIANTS: readonly (readonly [string, string])[] = [
  ["decimal(9,2)", "decimal(9, 2)"],
  ["decimal( 9 , 2 )", "decimal(9, 2)"],
  ["DECIMAL(9,2)", "decimal(9, 2)"],
  ["Timestamp", "timestamp"],
  ["fixed[ 16 ]", "fixed[16]"],
  ["fixed(16)", "fixed[16]"],
  ["geometry()", "geometry"],
  ["GEOMETRY( EPSG:4326 )", "geometry(EPSG:4326)"],
  ["geography( srid:4326 ,  karney )", "geography(srid:4326, karney)"],
  ["geography(, karney)", "geography(, karney)"],
];

for (const [text, canonical] of VARIANTS) {
  Deno.test(`parsePrimitiveType() reads ${text} as ${canonical}`, () => {
    const type = parsePrimitiveType(text);
    assert(type !== null);
    assert.equal(formatPrimitiveType(type), canonical);
  });
}

const NO_TYPES = [
  "",
  "bigint",
  "struct",
  "list",
  "decimal",
  "decimal(39,2)",
  "decimal(0,0)",
  "decimal(9)",
  "decimal(9,-2)",
  "decimal(9,2))",
  "fixed[-1]",
  "fixed[99999999999]",
  "fixed",
  "geometry(a)b",
  `geometry(${"a".repeat(2_000)})`,
  "constructor",
];

for (const text of NO_TYPES) {
  Deno.test(`parsePrimitiveType() finds no type in "${text.slice(0, 40)}"`, () => {
    assert.equal(parsePrimitiveType(text), null);
  });
}

const NESTED = `{"type":"struct","fields":[
  {"id":1,"name":"id","required":true,"type":"long","doc":"key"},
  {"id":2,"name":"tags","required":false,"type":
    {"type":"list","element-id":3,"element":"string","element-required":true}},
  {"id":4,"name":"m","required":false,"type":
    {"type":"map","key-id":5,"key":"string","value-id":6,"value":
      {"type":"struct","fields":[{"id":7,"name":"x y","required":false,"type":"decimal(9, 2)",
        "initial-default":"1.50","write-default":"2.50","future":[1]}]},"value-required":false}}
]}`;

Deno.test("parseType() and typeToJson() agree on nested types, defaults and unknown members", () => {
  const json = parseJson(NESTED);
  const type = parseType(json);
  assert.deepEqual(parseType(parseJson(stringifyJson(typeToJson(type)))), type);
  assert(type.kind === "struct");
  const [id, tags, map] = type.fields;
  assert.equal(id?.doc, "key");
  assert.deepEqual(tags?.type, {
    kind: "list",
    elementId: 3,
    elementRequired: true,
    element: { kind: "string" },
  });
  assert(map?.type.kind === "map" && map.type.value.kind === "struct");
  const [inner] = map.type.value.fields;
  assert.equal(inner?.initialDefault, 150n);
  assert.equal(inner?.writeDefault, 250n);
  assert.deepEqual(inner?.extra?.["future"], [1]);
  assert(!("extra" in id));
});

const field = (members: string) => `{"type":"struct","fields":[{${members}}]}`;
const WRONG: readonly (readonly [string, RegExp])[] = [
  ["5", /The document is 5, not a type/],
  ["null", /The document is null, not a type/],
  [`{"type":"tuple"}`, /"type" is the string "tuple"/],
  [`{"type":"struct"}`, /"fields" is missing, expected a list/],
  [field(`"id":1`), /"fields\[0\]\.name" is missing, expected a string/],
  [field(`"id":1.5,"name":"a"`), /"fields\[0\]\.id" is 1\.5, not a 32-bit integer/],
  [field(`"id":2147483448,"name":"a"`), /"fields\[0\]\.id" is 2147483448, not 0 to 2147483447/],
  [field(`"id":-1,"name":"a"`), /"fields\[0\]\.id" is -1/],
  [field(`"id":1,"name":"a","type":"int"`), /"fields\[0\]\.required" is missing/],
  [field(`"id":1,"name":"a","type":"interval","required":true`), /no type of the specification/],
  [field(`"id":1,"name":"${"a".repeat(5_000)}"`), /has 5000 characters, at most 4096/],
  [
    field(`"id":1,"name":"a","type":"int","required":true,"initial-default":"x"`),
    /"fields\[0\]\.initial-default" is no default of its column: Cannot read "x" as a int value/,
  ],
  [
    field(`"id":1,"name":"a","type":"variant","required":false,"write-default":{}`),
    /"fields\[0\]\.write-default" is no default/,
  ],
  [
    `{"type":"struct","fields":[{"id":1,"name":"a","type":"int","required":true},
      {"id":1,"name":"b","type":"int","required":true}]}`,
    /"fields\[1\]\.id" is 1, which another field has too/,
  ],
  [
    `{"type":"struct","fields":[{"id":1,"name":"a","type":"int","required":true},
      {"id":2,"name":"a","type":"int","required":true}]}`,
    /"fields\[1\]\.name" is the string "a", which another field has too/,
  ],
  [`{"type":"list","element-id":1,"element":"int"}`, /"element-required" is missing/],
  [
    `{"type":"map","key-id":1,"key":"int","value-id":1,"value":"int","value-required":true}`,
    /"value-id" is 1, which another field has too/,
  ],
];

for (const [json, message] of WRONG) {
  Deno.test(`parseType() refuses ${json.replace(/\s+/g, " ").slice(0, 90)}`, () => {
    assert.throws(
      () => parseType(parseJson(json)),
      (error) => {
        assert(error instanceof AppError);
        assert.equal(error.kind, "corrupt_data");
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

Deno.test("parseType() reads a null default as an absent one", () => {
  const type = parseType(
    parseJson(field(`"id":1,"name":"a","type":"variant","required":false,"initial-default":null`)),
  );
  assert(type.kind === "struct" && type.fields[0]?.initialDefault === undefined);
});

Deno.test("parseType() bounds nesting", () => {
  let json: JsonValue = "int";
  for (let id = 1; id <= 65; id++) {
    json = { type: "list", "element-id": id, element: json, "element-required": true };
  }
  assert.throws(() => parseType(json), /nested deeper than 64 types/);
});

Deno.test("parseType() bounds the full names that nesting multiplies", () => {
  let id = 0;
  let fields: JsonValue[] = Array.from({ length: 1_000 }, () => ({
    id: ++id,
    name: `f${id}`,
    type: "int",
    required: false,
  }));
  for (let level = 0; level < 20; level++) {
    const type = { type: "struct", fields };
    fields = [{ id: ++id, name: "n".repeat(4_000), type, required: false }];
  }
  assert.throws(
    () => parseType({ type: "struct", fields }),
    /makes the names of the schema longer/,
  );
});

Deno.test("formatPrimitiveType() writes what parsePrimitiveType() reads, for every type", () => {
  fc.assert(fc.property(primitiveTypeAndValue, ([type]) => {
    assert.deepEqual(parsePrimitiveType(formatPrimitiveType(type)), type);
  }));
});
