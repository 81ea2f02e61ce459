import assert from "node:assert/strict";
import fc from "fast-check";
import { childrenOf, childText, parseXml } from "../../../lib/storage/_s3/xml.ts";

Deno.test("parseXml() reads elements, text, entities and CDATA", () => {
  const root = parseXml(
    '<?xml version="1.0"?>\n<s3:R xmlns:s3="u"><Key>a &amp; b&#x2B;<![CDATA[<c>]]></Key><Key/></s3:R>',
  );
  assert.equal(root.name, "R");
  assert.deepEqual(childrenOf(root, "Key").map((key) => key.text), ["a & b+<c>", ""]);
  assert.equal(childText(root, "Key"), "a & b+<c>");
  assert.equal(childText(root, "None"), null);
});

Deno.test("parseXml() rejects what is cut short or not XML", () => {
  const whole = "<R><A>text</A><B/></R>";
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => parseXml(whole.slice(0, length)), SyntaxError, whole.slice(0, length));
  }
  for (const text of ["text", "<R/><R/>", "<R></S>", "<R>&unknown;</R>", "<R>\u0001</R>"]) {
    assert.throws(() => parseXml(text), SyntaxError, text);
  }
});

Deno.test("parseXml() rejects document types and so every entity of a document's own", () => {
  const bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>';
  assert.throws(() => parseXml(bomb), SyntaxError);
  assert.throws(() => parseXml('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>'), SyntaxError);
});

Deno.test("parseXml() bounds depth and number of elements", () => {
  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  assert.equal(parseXml(nested(16)).name, "a");
  assert.throws(() => parseXml(nested(17)), SyntaxError);
  assert.throws(() => parseXml(`<r>${"<a/>".repeat(200_000)}</r>`), SyntaxError);
});

Deno.test("parseXml() answers any text with a tree or a SyntaxError", () => {
  const piece = fc.constantFrom(
    "<",
    ">",
    "</",
    "/>",
    "a",
    "<a>",
    "</a>",
    "&",
    ";",
    "&lt;",
    "<!",
    "]]>",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 }), (pieces) => {
      try {
        assert.equal(typeof parseXml(pieces.join("")).name, "string");
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
