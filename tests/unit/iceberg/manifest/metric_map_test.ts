import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import {
  compileBounds,
  compileCounts,
  type MetricMap,
} from "../../../../lib/iceberg/manifest/metric_map.ts";
import { concat, long, sized } from "../../../support/avro_bytes.ts";

function mapType(key: string, value: string) {
  const fields = [{ name: "key", type: key }, { name: "value", type: value }];
  const map = { type: "array", items: { type: "record", name: "kv", fields }, logicalType: "map" };
  return parseAvroSchema(JSON.stringify(["null", map]), { location: "m.avro" });
}

const COUNTS = compileCounts(mapType("int", "long"));
const BOUNDS = compileBounds(mapType("int", "bytes"));

function decode<V>(
  read: (cursor: AvroCursor) => MetricMap<V> | null,
  bytes: Uint8Array,
): MetricMap<V> | null {
  const cursor = new AvroCursor("m.avro");
  cursor.reset(bytes, 0, bytes.length);
  const map = read(cursor);
  cursor.checkEnd();
  assert.equal(cursor.pos, bytes.length);
  return map;
}

function counts(pairs: readonly (readonly [number, number])[]): MetricMap<number> {
  const items = pairs.flatMap(([key, value]) => [long(key), long(value)]);
  const block = pairs.length === 0 ? [] : [long(pairs.length), ...items];
  const map = decode(COUNTS, concat(long(1), ...block, 0));
  assert(map !== null);
  return map;
}

Deno.test("MetricMap behaves as the Map of its pairs", () => {
  const pair = fc.tuple(fc.integer(), fc.maxSafeInteger());
  fc.assert(fc.property(fc.uniqueArray(pair, { selector: ([key]) => key }), (pairs) => {
    const map = counts(pairs);
    const expected = new Map(pairs);
    assert.equal(map.size, expected.size);
    assert.deepEqual(new Map(map), expected);
    assert.deepEqual([...map.entries()], [...expected.entries()]);
    assert.deepEqual([...map.keys()], [...expected.keys()]);
    assert.deepEqual([...map.values()], [...expected.values()]);
    const visited: unknown[] = [];
    map.forEach((value, key, of) => visited.push([key, value, of === map]));
    assert.deepEqual(visited, pairs.map(([key, value]) => [key, value, true]));
    for (const [key, value] of pairs) assert.equal(map.get(key), value);
    assert(pairs.every(([key]) => map.has(key)));
  }));
});

Deno.test("MetricMap has nothing for a column without metrics", () => {
  const map = counts([[1, 10], [3, 30]]);
  assert.equal(map.get(2), undefined);
  assert.equal(map.has(2), false);
  assert.equal(counts([]).size, 0);
  assert.equal(counts([]).get(1), undefined);
});

Deno.test("MetricMap takes the first of two equal keys, in every way of asking", () => {
  const map = counts([[1, 10], [1, 20]]);
  assert.equal(map.get(1), 10);
  assert.deepEqual(new Map(map), new Map([[1, 10]]));
});

Deno.test("MetricMap reads pairs in several blocks, with and without their sizes", () => {
  const bytes = concat(long(1), long(1), long(7), long(70), long(-1), long(2), long(8), long(9), 0);
  const map = decode(COUNTS, bytes);
  assert.deepEqual(new Map(map ?? []), new Map([[7, 70], [8, 9]]));
  assert.equal(map?.size, 2);
  assert.equal(map?.get(8), 9);
});

Deno.test("compileBounds() reads bounds of any length", () => {
  const bytes = concat(long(1), long(2), long(1), sized(""), long(2), sized(Uint8Array.of(9)), 0);
  const map = decode(BOUNDS, bytes);
  assert.deepEqual(new Map(map ?? []), new Map([[1, new Uint8Array(0)], [2, Uint8Array.of(9)]]));
});

Deno.test("compileCounts() reads null as null", () => {
  assert.equal(decode(COUNTS, long(0)), null);
});

Deno.test("MetricMap fails with corrupt_data when a count beyond 2^53 is asked for", () => {
  const map = decode(
    COUNTS,
    concat(long(1), long(2), long(1), long(2n ** 60n), long(2), long(5), 0),
  );
  assert.equal(map?.get(2), 5);
  assert.throws(
    () => map?.get(1),
    (error: unknown) => error instanceof AppError && error.kind === "corrupt_data",
  );
});

Deno.test("compileCounts() refuses types that are no map with integer keys", () => {
  const list = parseAvroSchema('{"type":"array","items":"long"}', { location: "m.avro" });
  assert.throws(() => compileCounts(list), { name: "AvroTypeMismatch" });
  assert.throws(() => compileCounts(mapType("string", "long")), { name: "AvroTypeMismatch" });
  assert.throws(() => compileCounts(mapType("int", "bytes")), { name: "AvroTypeMismatch" });
});

Deno.test("MetricMap.detached() holds the same pairs, and none of the bytes around them", () => {
  const pairs = [[3, 1], [7, 2 ** 40], [-1, 0]] as const;
  const items = pairs.flatMap(([key, value]) => [long(key), long(value)]);
  const encoded = concat(long(1), long(pairs.length), ...items, 0);
  const block = concat(new Uint8Array(1_000).fill(0xff), encoded, new Uint8Array(1_000).fill(0xff));
  const cursor = new AvroCursor("m.avro");
  cursor.reset(block, 1_000, 1_000 + encoded.length);
  const map = COUNTS(cursor);
  assert(map !== null);
  const detached = map.detached();
  block.fill(0xff);
  assert.deepEqual(new Map(detached), new Map(pairs));
  assert.equal(detached.get(7), 2 ** 40);
  assert.equal(detached.detached().get(-1), 0);
});
