import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { formatSortField, formatTerm } from "../../../../lib/iceberg/ddl/format_term.ts";
import { parsePartitionFields } from "../../../../lib/iceberg/ddl/parse_partition_fields.ts";
import { parseSortFields, parseSortOrder } from "../../../../lib/iceberg/ddl/parse_sort_order.ts";
import { formatTransform } from "../../../../lib/iceberg/spec/transform.ts";
import { EVENTS, schemaOf } from "./_schema.ts";

const partition = (...texts: string[]) => parsePartitionFields(texts, EVENTS);
const split = (...texts: string[]) =>
  partition(...texts).fields.map(({ name, transform, sourceIds: [id = 0] }) =>
    `${formatTransform(transform)} ${EVENTS.findById(id)?.name} as ${name}`
  );

function sorted(text: string): readonly string[] {
  const order = parseSortOrder(text, EVENTS);
  assert.equal(order.kind, "sort");
  return order.kind === "sort" ? order.fields.map((field) => formatSortField(field, EVENTS)) : [];
}

function fails(run: () => unknown, expected: { code: string; message: RegExp }): void {
  assert.throws(run, (error) => {
    assert(error instanceof AppError);
    assert.equal(error.kind, "invalid");
    assert.equal(error.code, expected.code);
    assert.match(error.message, expected.message);
    return true;
  });
}

Deno.test("parsePartitionFields() reads every transform, with Spark's names of the fields", () => {
  assert.deepEqual(split("region", "identity(amount)"), [
    "identity region as region",
    "identity amount as amount",
  ]);
  assert.deepEqual(split("years(ts)", "MONTH(day)"), [
    "year ts as ts_year",
    "month day as day_month",
  ]);
  assert.deepEqual(split("days(ts)"), ["day ts as ts_day"]);
  assert.deepEqual(split("date(ts)"), ["day ts as ts_day"]);
  assert.deepEqual(split("date_hour(ts)"), ["hour ts as ts_hour"]);
  assert.deepEqual(split("hours(ts)", "bucket(16, id)", "truncate(4, region)"), [
    "hour ts as ts_hour",
    "bucket[16] id as id_bucket",
    "truncate[4] region as region_trunc",
  ]);
  assert.deepEqual(split("bucket(id, 16)", "TRUNCATE( region , 4 )"), [
    "bucket[16] id as id_bucket",
    "truncate[4] region as region_trunc",
  ]);
});

Deno.test("parsePartitionFields() takes nested and quoted columns, and names", () => {
  assert.deepEqual(split("place.inner.zip", "`a.b`", "`x y`"), [
    "identity place.inner.zip as place.inner.zip",
    "identity a.b as a.b",
    "identity x y as x y",
  ]);
  assert.deepEqual(split("day(ts) as when", "day AS `the day`", "bucket(8, DAY) as b"), [
    "day ts as when",
    "identity day as the day",
    "bucket[8] day as b",
  ]);
});

Deno.test("parsePartitionFields() numbers the fields from 1000", () => {
  const spec = partition("region", "day(ts)");
  assert.equal(spec.specId, 0);
  assert.deepEqual(spec.fields.map(({ fieldId }) => fieldId), [1000, 1001]);
  assert.deepEqual(partition().fields, []);
});

Deno.test("parsePartitionFields() refuses what is not defined for a column", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["day(region)", /day is not defined for region, which is string$/],
    ["hour(day)", /hour is not defined for day, which is date$/],
    ["truncate(4, ts)", /truncate\[4\] is not defined for ts, which is timestamp$/],
    ["bucket(4, place.lat)", /bucket\[4\] is not defined for place\.lat, which is double$/],
    ["place", /identity is not defined for place, which is struct</],
    ["payload", /identity is not defined for payload, which is variant$/],
    ["tags.element", /tags\.element lies in an array or a map, and has many values a row$/],
    ["props.value.v", /props\.value\.v lies in an array or a map/],
    ["nope", /at position 1: there is no column nope$/],
    ["day(nope)", /at position 5: there is no column nope$/],
    ["bucket(0, id)", /at position 8: the number of buckets is 1 to 2147483647, not 0$/],
    ["bucket(id)", /at position 10: "," is wanted, not "\)"$/],
    ["bucket(2147483648, id)", /the number of buckets is 1 to 2147483647/],
    ["sqrt(id)", /at position 1: "sqrt" is no transform, use identity, bucket/],
    ["void(id)", /"void" is no transform/],
    ["day(ts", /at position 7: "\)" is wanted, not the end$/],
    ["day(ts) when", /at position 9: "when" follows what is complete without it$/],
    ["region, id", /at position 7: "," follows/],
    ["", /a column name is wanted, not the end$/],
  ];
  for (const [text, message] of wrong) {
    fails(() => partition(text), { code: "partition_syntax", message });
  }
});

Deno.test("parsePartitionFields() refuses fields that do not go together", () => {
  const columns = schemaOf({ ts: "timestamp", ts_day: "int", id: "int" });
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["day(ts)"], /its name ts_day is that of a column, add another/],
    [["id as ts_day"], /its name ts_day is that of a column/],
    [["id", "id"], /another one is called id too/],
    [["id", "id as other"], /id is split by identity already/],
    [["year(ts)", "month(ts)"], /ts is split by year already/],
    [["bucket(4, id)", "bucket(8, id)"], /another one is called id_bucket too/],
    [["bucket(4, id)", "bucket(4, id) as b"], /id is split by bucket already/],
  ];
  for (const [texts, message] of wrong) {
    fails(() => parsePartitionFields(texts, columns), { code: "invalid_partition", message });
  }
  const both = parsePartitionFields(["bucket(4, id)", "bucket(8, id) as b", "id"], columns);
  assert.equal(both.fields.length, 3);
});

Deno.test("formatTerm() is what parsePartitionFields() reads", () => {
  const texts = ["day(ts)", "bucket(16, id)", "truncate(4, region)", "place.inner.zip", "`a.b`"];
  const shown = partition(...texts).fields.map(({ transform, sourceIds }) =>
    formatTerm(transform, sourceIds, EVENTS)
  );
  assert.deepEqual(shown, texts);
  assert.equal(formatTerm({ kind: "identity" }, [999], EVENTS), "#999");
  assert.equal(formatTerm({ kind: "unknown", text: "zorder" }, [1, 2], EVENTS), "zorder(id, ts)");
});

Deno.test("parseSortOrder() defaults to ascending, with nulls where Iceberg has them", () => {
  assert.deepEqual(sorted("id"), ["id asc nulls first"]);
  assert.deepEqual(sorted("id desc"), ["id desc nulls last"]);
  assert.deepEqual(sorted("ts DESC NULLS FIRST, id ASC nulls LAST"), [
    "ts desc nulls first",
    "id asc nulls last",
  ]);
  assert.deepEqual(sorted("(region, bucket(16, id) desc, `x y`)"), [
    "region asc nulls first",
    "bucket(16, id) desc nulls last",
    "`x y` asc nulls first",
  ]);
});

Deno.test("formatSortField() is what parseSortOrder() reads", () => {
  const text = "truncate(3, region) desc nulls first";
  assert.deepEqual(sorted(text), [text]);
});

Deno.test("parseSortOrder() knows a z-order from a column called zorder", () => {
  const order = parseSortOrder("ZORDER(id, place.lat)", EVENTS);
  assert.equal(order.kind, "zorder");
  const columns = order.kind === "zorder" ? order.columns.map(({ name }) => name) : [];
  assert.deepEqual(columns, ["id", "place.lat"]);
  const schema = schemaOf({ zorder: "int" });
  assert.equal(parseSortOrder("zorder desc", schema).kind, "sort");
});

Deno.test("parseSortOrder() says what is wrong with an order", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["", /a column name is wanted, not the end$/],
    ["nope", /there is no column nope$/],
    ["id,", /at position 4: a column name is wanted, not the end$/],
    ["id nulls", /at position 9: FIRST or LAST is wanted, not the end$/],
    ["id up", /at position 4: "up" follows what is complete without it$/],
    ["place", /identity is not defined for place/],
    ["tags.element", /lies in an array or a map/],
    ["(id", /at position 4: "\)" is wanted, not the end$/],
    ["zorder()", /a column name is wanted, not "\)"$/],
    ["zorder(id, id)", /id is there twice$/],
    ["zorder(place)", /identity is not defined for place/],
    ["zorder(id) desc", /"desc" follows/],
  ];
  for (const [text, message] of wrong) {
    fails(() => parseSortOrder(text, EVENTS), { code: "sort_order_syntax", message });
  }
});

Deno.test("parseSortFields() refuses z-orders and repeated keys, which tables do not keep", () => {
  const code = "invalid_sort_order";
  fails(() => parseSortFields(["zorder(id)"], EVENTS), { code, message: /keeps no z-order/ });
  fails(() => parseSortFields(["id", "id desc"], EVENTS), { code, message: /it has id twice/ });
  assert.equal(parseSortFields(["id, ts", "bucket(4, id)"], EVENTS).length, 3);
  assert.deepEqual(parseSortFields([], EVENTS), []);
});
