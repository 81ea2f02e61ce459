import assert from "node:assert/strict";
import fc from "fast-check";
import { formatSqlType } from "../../../../lib/iceberg/ddl/format_sql_type.ts";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import { AppError } from "../../../../lib/errors.ts";
import { assignFreshIds } from "../../../../lib/iceberg/evolve/assign_fresh_ids.ts";
import type { Type } from "../../../../lib/iceberg/spec/types.ts";
import { anyType } from "./_types.ts";

const withoutIds = (type: Type) => assignFreshIds(type, () => 0);

Deno.test("parseSqlType() reads Spark's names in any case, and Iceberg's own", () => {
  const expected: Readonly<Record<string, Type>> = {
    BOOLEAN: { kind: "boolean" },
    TinyInt: { kind: "int" },
    byte: { kind: "int" },
    smallint: { kind: "int" },
    SHORT: { kind: "int" },
    INT: { kind: "int" },
    integer: { kind: "int" },
    BIGINT: { kind: "long" },
    long: { kind: "long" },
    float: { kind: "float" },
    REAL: { kind: "float" },
    DOUBLE: { kind: "double" },
    DECIMAL: { kind: "decimal", precision: 10, scale: 0 },
    "dec(5)": { kind: "decimal", precision: 5, scale: 0 },
    "NUMERIC( 38 , 38 )": { kind: "decimal", precision: 38, scale: 38 },
    date: { kind: "date" },
    time: { kind: "time" },
    string: { kind: "string" },
    "CHAR(3)": { kind: "string" },
    "VARCHAR(10)": { kind: "string" },
    varchar: { kind: "string" },
    uuid: { kind: "uuid" },
    "fixed(16)": { kind: "fixed", length: 16 },
    "FIXED[16]": { kind: "fixed", length: 16 },
    BINARY: { kind: "binary" },
    VOID: { kind: "unknown" },
    unknown: { kind: "unknown" },
    VARIANT: { kind: "variant" },
    geometry: { kind: "geometry", crs: null },
    "Geometry(srid:3857)": { kind: "geometry", crs: "srid:3857" },
    "geography(OGC:CRS84, vincenty)": {
      kind: "geography",
      crs: "OGC:CRS84",
      algorithm: "vincenty",
    },
  };
  for (const [text, type] of Object.entries(expected)) {
    assert.deepEqual(parseSqlType(text), type, text);
    assert.deepEqual(parseSqlType(`  ${text} `), type, text);
  }
});

Deno.test("parseSqlType() gives timestamps Spark's meaning, in any case", () => {
  const kinds = (...texts: string[]) => texts.map((text) => parseSqlType(text).kind);
  assert.deepEqual(
    kinds("TIMESTAMP", "timestamp", "Timestamp_LTZ", "timestamptz"),
    ["timestamptz", "timestamptz", "timestamptz", "timestamptz"],
  );
  assert.deepEqual(
    kinds("TIMESTAMP_NTZ", "timestamp_ns", "timestamptz_ns"),
    ["timestamp", "timestamp_ns", "timestamptz_ns"],
  );
});

Deno.test("parseSqlType() reads nested types with nullability and comments", () => {
  const type = parseSqlType(
    "STRUCT<a: INT NOT NULL COMMENT 'it''s \"x\"', `b c` ARRAY<Map<STRING, decimal(9,2) NOT NULL>>>",
  );
  assert.equal(
    formatSqlType(type, { full: true }),
    "struct<a:int not null comment 'it\\'s \"x\"',`b c`:array<map<string,decimal(9,2) not null>>>",
  );
  assert.equal(formatSqlType(type), "struct<a:int,`b c`:array<map<string,decimal(9,2)>>>");
});

Deno.test("parseSqlType() gives every field in a type an id of its own", () => {
  const type = parseSqlType("struct<a:array<int>,b:map<int,struct<c:int>>>");
  const ids: number[] = [];
  assignFreshIds(type, () => ids.push(0));
  const own = new Set<number>();
  const walk = (one: Type): void => {
    if (one.kind === "struct") one.fields.forEach((field) => (own.add(field.id), walk(field.type)));
    if (one.kind === "list") own.add(one.elementId), walk(one.element);
    if (one.kind === "map") own.add(one.keyId).add(one.valueId), walk(one.key), walk(one.value);
  };
  walk(type);
  assert.equal(own.size, ids.length);
});

Deno.test("formatSqlType() in full is what parseSqlType() reads, for every type", () => {
  fc.assert(
    fc.property(anyType, (type) => {
      const text = formatSqlType(type, { full: true });
      assert.deepEqual(withoutIds(parseSqlType(text)), type, text);
    }),
    { numRuns: 500 },
  );
});

Deno.test("formatSqlType() is what parseSqlType() reads, but for nullability and comments inside", () => {
  fc.assert(
    fc.property(anyType, (type) => {
      const text = formatSqlType(type);
      assert.equal(formatSqlType(parseSqlType(text)), text);
      assert.doesNotMatch(text, / not null| comment '/);
    }),
    { numRuns: 300 },
  );
});

Deno.test("formatSqlType() shows Spark's names, and Iceberg's where Spark has none", () => {
  const types: readonly Type[] = [
    { kind: "long" },
    { kind: "timestamptz" },
    { kind: "timestamp" },
    { kind: "timestamp_ns" },
    { kind: "timestamptz_ns" },
    { kind: "decimal", precision: 10, scale: 2 },
    { kind: "fixed", length: 16 },
    { kind: "geometry", crs: "srid:1" },
    { kind: "unknown" },
  ];
  assert.deepEqual(types.map((type) => formatSqlType(type)), [
    "bigint",
    "timestamp",
    "timestamp_ntz",
    "timestamp_ns",
    "timestamptz_ns",
    "decimal(10,2)",
    "fixed(16)",
    "geometry(srid:1)",
    "unknown",
  ]);
});

Deno.test("parseSqlType() says where a text is wrong and what to write instead", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["", /at position 1: a type is wanted, not the end$/],
    ["strng", /at position 1: "strng" is no type, use boolean, int, bigint/],
    ["`int`", /at position 1: "int" is no type/],
    ["INTERVAL DAY", /at position 1: Iceberg has no type for intervals, use bigint$/],
    ["int int", /at position 5: "int" follows what is complete without it$/],
    ["array", /at position 6: "<" is wanted, not the end$/],
    ["array<int", /at position 10: ">" is wanted, not the end$/],
    ["map<int>", /at position 8: "," is wanted, not ">"$/],
    ["struct<>", /at position 8: a field name is wanted, not ">"$/],
    ["struct<a:>", /at position 10: a type is wanted, not ">"$/],
    ["struct<a:int not>", /at position 17: NULL is wanted, not ">"$/],
    ["struct<a:int comment b>", /at position 22: a comment is a 'string', not "b"$/],
    ["struct<a:int,A:int>", /at position 14: the struct has another field "A", in some case$/],
    ["struct<a:int comment 'x>", /at position 22: the string that begins here has no closing/],
    ["struct<`a:int>", /at position 8: the name that begins here has no closing backtick$/],
    ["struct<``:int>", /at position 8: a name is empty$/],
    ["decimal(39,0)", /at position 9: the precision of a decimal is 1 to 38, not 39$/],
    ["decimal(5,6)", /at position 11: the scale of a decimal is 0 to 5, not 6$/],
    ["decimal(x)", /at position 9: the precision of a decimal is a whole number, not "x"$/],
    ["decimal(5", /at position 10: "\)" is wanted, not the end$/],
    ["fixed", /at position 6: "\(" is wanted, not the end$/],
    ["fixed[16)", /at position 9: "\]" is wanted, not "\)"$/],
    ["fixed(0)", /at position 7: the length of a fixed is 1 to 2147483647, not 0$/],
    ["varchar()", /at position 9: the length of characters is a whole number, not "\)"$/],
    ["timestamp(3)", /at position 10: "\(" follows what is complete without it$/],
    ["constructor", /"constructor" is no type/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseSqlType(text), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.kind, "invalid");
      assert.equal(error.code, "type_syntax");
      assert.match(error.message, message);
      return true;
    }, text);
  }
});

Deno.test("parseSqlType() refuses what is nested deeper or longer than can be read back", () => {
  const nested = (depth: number) => "array<".repeat(depth) + "int" + ">".repeat(depth);
  assert.equal(formatSqlType(parseSqlType(nested(60))), nested(60));
  assert.throws(() => parseSqlType(nested(61)), /types are nested deeper than 60$/);
  assert.throws(() => parseSqlType(nested(100_000)), /types are nested deeper than 60$/);
  assert.throws(() => parseSqlType(" ".repeat(1_000_001)), /longer than 1000000 characters$/);
});

Deno.test("parseSqlType() answers every text with a type or an error of its own", () => {
  const piece = fc.constantFrom(
    ...["array", "map", "struct", "<", ">", ",", ":", "(", ")", "int", "decimal", "5", "`", "'"],
    ...["not", "null", "comment", " ", "\\", "[", "]", "fixed", "geometry", "é", "💥", "\0"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        parseSqlType(pieces.join(""));
      } catch (error) {
        assert(error instanceof AppError && error.kind === "invalid", String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
