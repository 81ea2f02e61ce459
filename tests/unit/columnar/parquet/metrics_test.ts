import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fileMetrics,
  type MetricsConfig,
  metricsConfig,
  type MetricsMode,
  positionDeleteMetrics,
} from "../../../../lib/columnar/parquet/mod.ts";
import { lowerBound, upperBound } from "../../../../lib/columnar/parquet/metrics/file_metrics.ts";
import { parseMetricsMode } from "../../../../lib/columnar/parquet/metrics/metrics_config.ts";
import {
  truncateBytesUpper,
  truncateTextLower,
  truncateTextUpper,
} from "../../../../lib/columnar/parquet/metrics/truncate_bounds.ts";
import {
  compareBytes,
  compareCodePoints,
  compareValues,
} from "../../../../lib/iceberg/spec/compare_values.ts";
import type { SortOrder } from "../../../../lib/iceberg/spec/sort_order.ts";
import {
  type IcebergValue,
  isPrimitive,
  type PrimitiveType,
  type Type,
} from "../../../../lib/iceberg/spec/types.ts";
import { decodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field, LEAF_TYPES } from "../arrow/_columns.ts";
import { batchOfColumns, schemaOf, writeFile } from "./_files.ts";

await readyParquet();

const MODES: readonly MetricsMode[] = [
  { kind: "none" },
  { kind: "counts" },
  { kind: "full" },
  ...[1, 5, 16, 40].map((length) => ({ kind: "truncate" as const, length })),
];

const leaves = LEAF_TYPES.filter(({ type }) => type.kind !== "unknown");

/** Texts and bytes beyond the 64 bytes that statistics keep, with beginnings in common. */
const long: readonly {
  readonly type: PrimitiveType;
  readonly value: fc.Arbitrary<IcebergValue>;
}[] = [
  {
    type: { kind: "string" },
    value: fc.tuple(
      fc.constantFrom("", "a".repeat(60), "ÿ".repeat(31), "\u{10ffff}".repeat(16), "\ud7ff"),
      fc.string({ unit: "binary", maxLength: 20 }),
    ).map(([start, end]) => start + end),
  },
  {
    type: { kind: "binary" },
    value: fc.tuple(fc.constantFrom(0, 15, 64, 70), fc.uint8Array({ maxLength: 12 })).map(
      ([size, end]) => Uint8Array.from([...new Array(size).fill(0xff), ...end]),
    ),
  },
  {
    type: { kind: "fixed", length: 80 },
    value: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((end) =>
      Uint8Array.from([...new Array(68).fill(7), ...end])
    ),
  },
];

function isNan(value: IcebergValue): boolean {
  return Number.isNaN(value);
}

Deno.test("metrics count and bound what the columns hold, in every mode", async () => {
  const columns = fc.constantFrom(...leaves, ...long).chain(({ type, value }) =>
    fc.tuple(
      fc.array(fc.option(value, { freq: 3 }), { minLength: 1, maxLength: 30 }),
      fc.array(fc.option(value, { freq: 3 }), { minLength: 1, maxLength: 30 }),
      fc.constantFrom(...MODES),
    ).map((drawn) => ({ type: type as PrimitiveType, drawn }))
  );
  await fc.assert(
    fc.asyncProperty(columns, async ({ type, drawn: [first, second, mode] }) => {
      const schema = schemaOf(field(4, "c", type));
      const metrics: MetricsConfig = new Map([[4, mode]]);
      const groups = [first, second].map((values) => [batchOfColumns(schema, [values])]);
      const file = await writeFile(new MemoryFileIo(), groups, { schema, metrics });
      const found = fileMetrics(file.leafStats, metrics);
      if (mode.kind === "none") {
        for (const map of Object.values(found)) assert.equal(map.size, 0);
        return;
      }
      const values = [...first, ...second];
      const there = values.filter((value) => value !== null);
      const comparable = there.filter((value) => !isNan(value))
        .sort((a, b) => compareValues(type, a, b));
      assert.equal(found.valueCounts.get(4), values.length);
      assert.equal(found.nullValueCounts.get(4), values.length - there.length);
      const isFloat = type.kind === "float" || type.kind === "double";
      assert.equal(
        found.nanValueCounts.get(4),
        isFloat ? there.length - comparable.length : undefined,
      );
      assert((found.columnSizes.get(4) ?? 0) > 0);
      const lower = lowerBound(type, comparable.at(0) ?? null, mode);
      const upper = upperBound(type, comparable.at(-1) ?? null, mode);
      if (type.kind === "fixed") {
        for (const bound of [lower, upper]) assert.equal(bound?.length ?? type.length, type.length);
      }
      assert.deepEqual(found.lowerBounds.get(4) ?? null, lower);
      assert.deepEqual(found.upperBounds.get(4) ?? null, upper);
      for (const value of comparable) {
        if (lower !== null) assert(compareValues(type, decodeValue(type, lower), value) <= 0);
        if (upper !== null) assert(compareValues(type, decodeValue(type, upper), value) >= 0);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("zeros of either sign lie between -0 and 0, and NaN bounds nothing", async () => {
  const schema = schemaOf(field(1, "d", { kind: "double" }), field(2, "f", { kind: "float" }));
  const metrics = metricsConfig({ schema, properties: {} });
  const bounds = async (values: readonly number[]) => {
    const batch = batchOfColumns(schema, [values, values]);
    const file = await writeFile(new MemoryFileIo(), [[batch]], { schema });
    const { lowerBounds, upperBounds, nanValueCounts } = fileMetrics(file.leafStats, metrics);
    const read = (map: ReadonlyMap<number, Uint8Array>, id: number, type: PrimitiveType) => {
      const bytes = map.get(id);
      return bytes === undefined ? null : decodeValue(type, bytes);
    };
    const type = { kind: "double" } as const;
    assert.deepEqual(read(lowerBounds, 2, { kind: "float" }), read(lowerBounds, 1, type));
    return [read(lowerBounds, 1, type), read(upperBounds, 1, type), nanValueCounts.get(1)];
  };
  assert.deepEqual(await bounds([0]), [-0, 0, 0]);
  assert.deepEqual(await bounds([-0]), [-0, 0, 0]);
  assert.deepEqual(await bounds([NaN, 1, NaN]), [1, 1, 2]);
  assert.deepEqual(await bounds([NaN, NaN]), [null, null, 2]);
});

Deno.test("members of lists and maps have sizes only, members of structs everything", async () => {
  const list: Type = {
    kind: "list",
    elementId: 11,
    elementRequired: false,
    element: { kind: "struct", fields: [field(12, "x", { kind: "double" })] },
  };
  const map: Type = {
    kind: "map",
    keyId: 21,
    key: { kind: "string" },
    valueId: 22,
    valueRequired: false,
    value: { kind: "long" },
  };
  const struct: Type = {
    kind: "struct",
    fields: [field(31, "d", { kind: "double" }), field(32, "s", { kind: "string" })],
  };
  const schema = schemaOf(field(1, "l", list), field(2, "m", map), field(3, "s", struct));
  const batch = batchOfColumns(schema, [
    [[[1], [NaN]], null, []],
    [[["a", 1n]], [], null],
    [[NaN, "x"], null, [2, null]],
  ]);
  const file = await writeFile(new MemoryFileIo(), [[batch]], { schema });
  const metrics = fileMetrics(file.leafStats, metricsConfig({ schema, properties: {} }));
  assert.deepEqual([...metrics.columnSizes.keys()], [12, 21, 22, 31, 32]);
  assert.deepEqual([...metrics.valueCounts], [[31, 3], [32, 3]]);
  assert.deepEqual([...metrics.nullValueCounts], [[31, 1], [32, 2]]);
  assert.deepEqual([...metrics.nanValueCounts], [[31, 1]]);
  assert.deepEqual([...metrics.lowerBounds.keys()], [31, 32]);
});

Deno.test("columns without statistics have sizes only", async () => {
  const schema = schemaOf(field(1, "a", { kind: "long" }), field(2, "b", { kind: "long" }));
  const properties = { "write.parquet.stats-enabled.column.a": "false" };
  const batch = batchOfColumns(schema, [[1n], [2n]]);
  const file = await writeFile(new MemoryFileIo(), [[batch]], { schema, properties });
  const metrics = fileMetrics(file.leafStats, metricsConfig({ schema, properties }));
  assert.deepEqual([...metrics.columnSizes.keys()], [1, 2]);
  assert.deepEqual([...metrics.valueCounts.keys()], [2]);
  assert.deepEqual([...metrics.lowerBounds.keys()], [2]);
});

Deno.test("the bounds of a position delete file are paths in full", async () => {
  const schema = schemaOf(
    field(2147483546, "file_path", { kind: "string" }, true),
    field(2147483545, "pos", { kind: "long" }, true),
  );
  const path = `s3://bucket/${"folder/".repeat(30)}file.parquet`;
  const metrics = positionDeleteMetrics([2147483546, 2147483545]);
  const batch = batchOfColumns(schema, [[path, path], [3n, 9n]]);
  const file = await writeFile(new MemoryFileIo(), [[batch]], { schema, metrics });
  const { lowerBounds, upperBounds } = fileMetrics(file.leafStats, metrics);
  const bytes = new TextEncoder().encode(path);
  assert.deepEqual(lowerBounds.get(2147483546), bytes);
  assert.deepEqual(upperBounds.get(2147483546), bytes);
});

Deno.test("truncated bounds are bounds, as short as asked, and as tight as can be", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.array(fc.constantFrom("\ud7ff", "\ue000", "\uffff", "\u{10ffff}", "a"), { maxLength: 8 })
      .map((chars) => chars.join("")),
  );
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 6 }), (value, length) => {
      const lower = truncateTextLower(value, length);
      assert(value.startsWith(lower) && [...lower].length <= length);
      const upper = truncateTextUpper(value, length);
      const points = [...value];
      if (upper === null) {
        assert(points.length > length);
        assert(points.slice(0, length).every((char) => char === "\u{10ffff}"));
        return;
      }
      assert(compareCodePoints(value, upper) <= 0 && [...upper].length <= length);
      assert(upper.isWellFormed());
      if (points.length <= length) assert.equal(upper, value);
      else assert(!value.startsWith(upper));
    }),
    { numRuns: 2_000 },
  );
  assert.equal(truncateTextUpper("abc", 2), "ac");
  assert.equal(truncateTextUpper("a\u{10ffff}c", 2), "b");
  assert.equal(truncateTextUpper("\ud7ffx", 1), "\ue000");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), fc.integer({ min: 1, max: 6 }), (bytes, n) => {
      const upper = truncateBytesUpper(bytes, n);
      if (upper === null) assert(bytes.length > n && bytes.subarray(0, n).every((b) => b === 0xff));
      else assert(compareBytes(bytes, upper) <= 0 && upper.length <= n);
    }),
  );
});

Deno.test("parseMetricsMode() takes Iceberg's modes and nothing else", () => {
  assert.deepEqual(parseMetricsMode("TRUNCATE(16)"), { kind: "truncate", length: 16 });
  assert.deepEqual(parseMetricsMode(" full "), { kind: "full" });
  for (const text of ["", "truncate", "truncate(0)", "truncate(-1)", "truncate(x)", "some"]) {
    assert.equal(parseMetricsMode(text), null, text);
  }
});

const wide = schemaOf(
  field(1, "s", {
    kind: "struct",
    fields: [field(11, "a", { kind: "int" }), field(12, "b", { kind: "int" })],
  }),
  field(2, "x", { kind: "int" }),
  field(3, "y", { kind: "int" }),
  field(4, "z", { kind: "int" }),
);

function modes(properties: Readonly<Record<string, string>>, sortOrder?: SortOrder) {
  const config = metricsConfig({ schema: wide, properties, sortOrder: sortOrder ?? null });
  return Object.fromEntries([...config].map(([id, mode]) => [
    id,
    mode.kind === "truncate" ? `truncate(${mode.length})` : mode.kind,
  ]));
}

const T16 = "truncate(16)";
const LIMIT = "write.metadata.metrics.max-inferred-column-defaults";
const DEFAULT = "write.metadata.metrics.default";

Deno.test("metricsConfig() resolves modes as Iceberg does", () => {
  assert.deepEqual(modes({}), { 11: T16, 12: T16, 2: T16, 3: T16, 4: T16 });
  assert.deepEqual(modes({ [DEFAULT]: "counts", "write.metadata.metrics.column.s.b": "full" }), {
    11: "counts",
    12: "full",
    2: "counts",
    3: "counts",
    4: "counts",
  });
  // Columns of the table come before members of its structs.
  assert.deepEqual(modes({ [LIMIT]: "4" }), { 11: T16, 12: "none", 2: T16, 3: T16, 4: T16 });
  assert.deepEqual(modes({ [LIMIT]: "2", "write.metadata.metrics.column.z": "counts" }), {
    11: "none",
    12: "none",
    2: T16,
    3: T16,
    4: "counts",
  });
  // The limit is for the inferred default only.
  assert.equal(modes({ [LIMIT]: "2", [DEFAULT]: "full" })[4], "full");
  assert.equal(modes({ [DEFAULT]: "nonsense" })[4], T16);
});

Deno.test("metricsConfig() keeps bounds of what files are sorted by", () => {
  const by = (transform: SortOrder["fields"][0]["transform"]): SortOrder => ({
    orderId: 1,
    fields: [{ sourceIds: [3], transform, direction: "asc", nullOrder: "nulls-first" }],
  });
  assert.equal(modes({ [DEFAULT]: "none" }, by({ kind: "identity" }))[3], T16);
  assert.equal(modes({ [DEFAULT]: "counts" }, by({ kind: "truncate", width: 3 }))[3], T16);
  assert.equal(modes({ [DEFAULT]: "full" }, by({ kind: "identity" }))[3], "full");
  assert.equal(modes({ [DEFAULT]: "none" }, by({ kind: "bucket", numBuckets: 3 }))[3], "none");
  const overridden = { [DEFAULT]: "none", "write.metadata.metrics.column.y": "counts" };
  assert.equal(modes(overridden, by({ kind: "identity" }))[3], "counts");
});

Deno.test("every leaf of a schema has a mode", () => {
  for (const { type } of leaves) {
    assert(isPrimitive(type));
    assert.equal(metricsConfig({ schema: schemaOf(field(1, "c", type)), properties: {} }).size, 1);
  }
});
