import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import {
  NAME_MAPPING_PROPERTY,
  nameMappingOf,
  parseNameMapping,
} from "../../../../lib/iceberg/spec/name_mapping.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import { fixtureFiles } from "./_metadata.ts";
import { fixtureTest } from "../../../support/fixtures.ts";

/** The example of the specification, with a list, a map and a field the schema does not have. */
const EXAMPLE = `[ { "field-id": 1, "names": ["id", "record_id"] },
   { "field-id": 2, "names": ["data", "a.b"] },
   { "field-id": 3, "names": ["location"], "fields": [
       { "field-id": 4, "names": ["latitude", "lat"] },
       { "field-id": 5, "names": ["longitude", "long"] }
     ] },
   { "field-id": 6, "names": ["tags"], "fields": [{ "field-id": 7, "names": ["element"] }] },
   { "field-id": 8, "names": [] },
   { "names": ["only_in_files"] } ]`;

Deno.test("parseNameMapping() finds a field by every one of its names", () => {
  const mapping = parseNameMapping(EXAMPLE);
  assert.equal(mapping.fieldId(["id"]), 1);
  assert.equal(mapping.fieldId(["record_id"]), 1);
  assert.equal(mapping.fieldId(["location", "lat"]), 4);
  assert.equal(mapping.fieldId(["location", "latitude"]), 4);
  assert.equal(mapping.fieldId(["tags", "element"]), 7);
  assert.deepEqual(mapping.find(["data"])?.names, ["data", "a.b"]);
});

Deno.test("parseNameMapping() takes a dot as part of a name", () => {
  const mapping = parseNameMapping(EXAMPLE);
  assert.equal(mapping.fieldId(["a.b"]), 2);
  assert.equal(mapping.fieldId(["a", "b"]), null);
  assert.equal(mapping.fieldId(["location.lat"]), null);
});

Deno.test("parseNameMapping() gives null for names that map to nothing", () => {
  const mapping = parseNameMapping(EXAMPLE);
  assert.equal(mapping.fieldId(["only_in_files"]), null);
  assert.deepEqual(mapping.find(["only_in_files"])?.fieldId, null);
  for (const path of [[], ["x"], ["lat"], ["id", "x"], ["id", "x", "y"], ["__proto__"]]) {
    assert.equal(mapping.fieldId(path), null);
    assert.equal(mapping.find(path), undefined);
  }
});

const WRONG: readonly (readonly [string, string])[] = [
  ["{}", "The document is an object, not a list"],
  ["[", "expected a value at byte 1"],
  ["[1]", '"[0]" is 1, not an object'],
  ['[{"names": "a"}]', '"[0].names" is the string "a", not a list'],
  ['[{"names": [1]}]', '"[0].names" is a list, not a list of strings'],
  ['[{"field-id": "1"}]', '"[0].field-id" is the string "1", not a 32-bit integer'],
  ['[{"fields": {}}]', '"[0].fields" is an object, not a list'],
  [
    '[{"field-id": 1, "names": ["a"]}, {"field-id": 2, "names": ["a"]}]',
    '"[1].names" has the string "a", which another field has too',
  ],
];

for (const [text, problem] of WRONG) {
  Deno.test(`parseNameMapping() refuses ${text}`, () => {
    assert.throws(() => parseNameMapping(text), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "invalid_name_mapping");
      assert.equal(
        error.message,
        `Cannot read the table property "${NAME_MAPPING_PROPERTY}": ${problem}`,
      );
      return true;
    });
  });
}

Deno.test("parseNameMapping() bounds nesting and fields", () => {
  const nested = '[{"fields":'.repeat(70) + "[]" + "}]".repeat(70);
  assert.throws(() => parseNameMapping(nested), /nested deeper than 64 levels/);
  const many = `[${"{},".repeat(100_000)}{}]`;
  assert.throws(() => parseNameMapping(many), /makes more than 100000 fields/);
});

Deno.test("parseNameMapping() never throws anything but an AppError", () => {
  fc.assert(fc.property(fc.json(), fc.string(), (json, text) => {
    for (const candidate of [json, `[${json}]`, text]) {
      try {
        parseNameMapping(candidate);
      } catch (error) {
        assert(error instanceof AppError);
      }
    }
  }));
});

fixtureTest("nameMappingOf() reads the mapping of a real table", () => {
  const file = fixtureFiles().find(({ path }) =>
    path.startsWith("name_mapping/") && path.endsWith("/v7.metadata.json")
  );
  assert(file !== undefined);
  const { properties, schemas } = parseTableMetadata(file.bytes, { location: file.path });
  const mapping = nameMappingOf(properties);
  assert(mapping !== null && mapping.fields.length > 0);
  for (const { names, fieldId } of mapping.fields) {
    for (const name of names) assert.equal(mapping.fieldId([name]), fieldId);
    assert(schemas.some((schema) => fieldId !== null && schema.findById(fieldId) !== undefined));
  }
  assert.equal(nameMappingOf({}), null);
});
