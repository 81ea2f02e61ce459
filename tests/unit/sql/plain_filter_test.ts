import assert from "node:assert/strict";
import type { IcebergValue, NestedField } from "../../../lib/iceberg/spec/types.ts";
import { transformWithoutEngine } from "../../../lib/sql/mod.ts";
import { collect, feed, open, schemaOf } from "./_transforms.ts";

const absent = { doc: null, initialDefault: undefined, writeDefault: undefined };
const inner: NestedField = {
  id: 20,
  name: "part",
  required: false,
  type: { kind: "int" },
  ...absent,
};
const SCHEMA = schemaOf({
  i: { kind: "int" },
  l: { kind: "long" },
  d: { kind: "decimal", precision: 9, scale: 2 },
  s: { kind: "string" },
  b: { kind: "boolean" },
  day: { kind: "date" },
  clock: { kind: "time" },
  ts: { kind: "timestamp" },
  tz: { kind: "timestamptz" },
  ns: { kind: "timestamp_ns" },
  f: { kind: "double" },
  st: { kind: "struct", fields: [inner] },
});

const DAY = 20_454; // 2026-01-01
const MICROS = BigInt(DAY) * 86_400_000_000n;

function row(i: number): IcebergValue[] {
  const values: IcebergValue[] = [
    i - 6,
    BigInt(i) * 2n ** 40n,
    BigInt(i * 50 - 250),
    ["a", "ab", "B", "ä", "\u{1F600}", "\uFFFD", "", "it's", "a%", "10", "a_", "ab_c"][i % 12]!,
    i % 2 === 0,
    DAY + i,
    BigInt(i % 24) * 3_600_000_000n + 1n,
    MICROS + BigInt(i) * 500_000n,
    MICROS + BigInt(i) * 500_000n,
    (MICROS + BigInt(i)) * 1000n + 1n,
    [0, -0, NaN, Infinity, -Infinity, 1.5][i % 6]!,
    i % 4 === 0 ? null : [i % 5 === 0 ? null : i],
  ];
  // Each column is null in some rows.
  return values.map((value, at) => (i + at) % 13 === 12 ? null : value);
}
const ROWS = Array.from({ length: 39 }, (_, i) => row(i));

/** Conditions that drls tests itself. */
const OWN = [
  "i > 3",
  "i >= -1 AND i < 4",
  "3 > i",
  "NOT (i = 1 OR i = 2)",
  "NOT i = 1",
  "i <> 1",
  "i != 1 AND s != 'a'",
  "i IN (1, 2, 99)",
  "i NOT IN (1, 2)",
  "NOT (i IN (1, 2) AND b)",
  "i BETWEEN 0 AND 3",
  "i NOT BETWEEN 0 AND 3",
  "i > 2.5",
  "i < 99999999999",
  "l >= 10995116277760",
  "l IS NULL OR l = 0",
  "d = 1.5",
  "d > 0.005",
  "d <= -1",
  "s = 'it''s'",
  "s > 'a'",
  "s < '\uFFFD'",
  "s >= '\u{1F600}'",
  "s LIKE 'a%'",
  "s NOT LIKE 'a%'",
  "s LIKE 'ab'",
  "s IN ('', 'B')",
  "b",
  "NOT b",
  "b = false",
  "b IS NOT NULL",
  "day = '2026-01-03'",
  "day >= DATE '2026-01-20'",
  "clock > '10:00:00'",
  "clock <= '10:00:00.000001'",
  "ts = '2026-01-01T00:00:01'",
  "ts < '2026-01-01 00:00:02.5'",
  "ts >= '2026-01-01'",
  "tz >= '2026-01-01 00:00:03'",
  "ns > '2026-01-01 00:00:00.000005'",
  "f IS NULL",
  "st.part > 3",
  "st.part IS NULL",
  "st.part IN (1, 2, 3) OR st.part IS NULL AND i > 0",
  "true",
];
/** Those that mean something else to the engine, or of which only the engine knows a meaning. */
const ENGINES = [
  "f > 1",
  "f = 0",
  "f <> 0",
  "f IN (0, 1.5)",
  "day > '2026-01-01 12:00:00'",
  "clock > '10:00:00.0000001'",
  "ts > '2026-01-01 00:00:01.0000001'",
  "s LIKE 'a\\_%'",
  "s LIKE '%b'",
  "s = '10' OR s::VARCHAR = 'B'",
  "i + 1 > 3",
  "I > 3",
  "i = '3'",
  "b AND length(s) > 1",
];

async function passing(where: string, transform: string | null): Promise<IcebergValue[][]> {
  const opened = await open(SCHEMA, { where, transform });
  return await collect(opened, feed(SCHEMA, ROWS.slice(0, 5), ROWS.slice(5)));
}

function plain(where: string) {
  return transformWithoutEngine({ schema: SCHEMA, names: [], where, transform: null, nowMs: 0 });
}

for (const where of OWN) {
  Deno.test(`is tested without the engine, to the same end: ${where}`, async () => {
    assert.ok(plain(where)?.filterSuffices);
    const own = await passing(where, null);
    assert.deepEqual(own, await passing(where, "FROM batch"));
    if (where !== "true") assert.ok(own.length > 0 && own.length < ROWS.length, `${own.length}`);
  });
}

for (const where of ENGINES) {
  Deno.test(`is tested by the engine, rows as they are: ${where}`, async () => {
    assert.equal(plain(where), null);
    assert.deepEqual(await passing(where, null), await passing(where, "FROM batch"));
  });
}
