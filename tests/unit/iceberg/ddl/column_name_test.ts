import assert from "node:assert/strict";
import fc from "fast-check";
import {
  columnPath,
  findColumn,
  findColumnByText,
  formatColumnName,
  parseColumnName,
} from "../../../../lib/iceberg/ddl/column_name.ts";
import { AppError } from "../../../../lib/errors.ts";
import { EVENTS, schemaOf } from "./_schema.ts";

const find = (text: string) => findColumnByText(EVENTS, text)?.name;

function fails(run: () => unknown, expected: { code: string; message: RegExp }): void {
  assert.throws(run, (error) => {
    assert(error instanceof AppError);
    assert.equal(error.kind, "invalid");
    assert.equal(error.code, expected.code);
    assert.match(error.message, expected.message);
    return true;
  });
}

Deno.test("parseColumnName() splits at dots outside backticks", () => {
  assert.deepEqual(parseColumnName("a"), ["a"]);
  assert.deepEqual(parseColumnName("a.b.c"), ["a", "b", "c"]);
  assert.deepEqual(parseColumnName("`a.b`.c"), ["a.b", "c"]);
  assert.deepEqual(parseColumnName("a.`b``.c`"), ["a", "b`.c"]);
  assert.deepEqual(parseColumnName("x y.ä-1"), ["x y", "ä-1"]);
  assert.deepEqual(parseColumnName("a`b"), ["a`b"]);
});

Deno.test("parseColumnName() refuses empty levels and lone backticks", () => {
  for (const text of ["", ".", "a.", ".a", "a..b", "``", "a.``"]) {
    fails(() => parseColumnName(text), {
      code: "invalid_column_name",
      message: /level.* is empty/,
    });
  }
  for (const text of ["`a", "`a`b", "a.`b"]) {
    fails(() => parseColumnName(text), { code: "invalid_column_name", message: /backtick/ });
  }
});

Deno.test("formatColumnName() is what parseColumnName() reads, whatever the names", () => {
  const parts = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(fc.property(parts, (names) => {
    assert.deepEqual(parseColumnName(formatColumnName(names)), names);
  }));
});

Deno.test("findColumnByText() steps into structs, elements and values", () => {
  assert.equal(find("place.inner.zip"), "place.inner.zip");
  assert.equal(find("tags.element"), "tags.element");
  assert.equal(find("points.element.x"), "points.element.x");
  assert.equal(find("points.x"), "points.element.x");
  assert.equal(find("props.value.v"), "props.value.v");
  assert.equal(find("props.v"), "props.value.v");
});

Deno.test("findColumnByText() takes a collection's own members before fields called the same", () => {
  const id = (text: string) => findColumnByText(EVENTS, text)?.field.type.kind;
  assert.equal(id("points.element"), "struct");
  assert.equal(find("points.element.element"), "points.element.element");
  assert.equal(id("props.key"), "string");
  assert.equal(find("props.value.key"), "props.value.key");
});

Deno.test("findColumnByText() ignores case where that names one column alone", () => {
  assert.equal(find("REGION"), "region");
  assert.equal(find("Place.INNER.Zip"), "place.inner.zip");
  assert.equal(find("Mixed"), "Mixed");
  assert.equal(find("mixed"), "mixed");
  fails(() => find("MIXED"), {
    code: "ambiguous_column",
    message: /"Mixed" and "mixed" differ from it in case only/,
  });
});

Deno.test("findColumnByText() finds a column whose name holds a dot, by text and quoted", () => {
  assert.equal(find("a.b"), "a.b");
  assert.equal(find("`a.b`"), "a.b");
  assert.equal(find("x y"), "x y");
  assert.equal(find("`x y`"), "x y");
});

Deno.test("findColumnByText() refuses a text that is both a path and the name of a column", () => {
  const both = schemaOf({ a: "struct<b:int>", "a.b": "int" });
  fails(() => findColumnByText(both, "a.b"), {
    code: "ambiguous_column",
    message: /both a path and the name of one column; write `a\.b` for the column/,
  });
  assert.equal(findColumnByText(both, "`a.b`")?.parentId, null);
  assert.equal(findColumnByText(both, "a.`b`")?.parentId, 1);
});

Deno.test("findColumnByText() finds nothing where there is nothing", () => {
  for (const text of ["nope", "place.nope", "region.x", "tags.x", "props.value.nope", "`id.x`"]) {
    assert.equal(find(text), undefined, text);
  }
});

Deno.test("columnPath() leads back to each column of a schema", () => {
  for (const { field } of EVENTS.allFields()) {
    const path = columnPath(EVENTS, field.id);
    assert(path !== null);
    assert.equal(findColumn(EVENTS, path)?.field.id, field.id, path.join("/"));
    assert.equal(findColumnByText(EVENTS, formatColumnName(path))?.field.id, field.id);
  }
  assert.equal(columnPath(EVENTS, 999), null);
});
