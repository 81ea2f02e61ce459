import assert from "node:assert/strict";
import type { IcebergValue, Type } from "../../../lib/iceberg/spec/types.ts";
import { MemoryQueryTable, openEngine, queryBytes } from "../../support/query_table.ts";

const db = await openEngine();
const UUID = "00112233-4455-6677-8899-aabbccddeeff";
const BYTES = Uint8Array.of(0, 1, 127, 128, 255);
const UUIDS: Type = {
  kind: "list",
  elementId: 100,
  elementRequired: false,
  element: { kind: "uuid" },
};
const STRUCT: Type = {
  kind: "struct",
  fields: [
    { kind: "timestamptz" } as const,
    { kind: "decimal", precision: 38, scale: 2 } as const,
    { kind: "boolean" } as const,
  ].map((type, i) => ({
    id: 200 + i,
    name: `f${i}`,
    required: false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  })),
};
const MAP: Type = {
  kind: "map",
  keyId: 300,
  key: { kind: "string" },
  valueId: 301,
  valueRequired: false,
  value: { kind: "date" },
};
const MICROS = 1_767_225_600_123_456n;

/** A value of each type, and how JSON shows it once it has been through the engine. */
const CASES: readonly (readonly [string, Type, IcebergValue, unknown])[] = [
  ["boolean", { kind: "boolean" }, false, false],
  ["int", { kind: "int" }, -2_147_483_648, -2_147_483_648],
  ["long", { kind: "long" }, -9_223_372_036_854_775_808n, "-9223372036854775808"],
  ["float", { kind: "float" }, 0.5, 0.5],
  ["double", { kind: "double" }, -1e308, -1e308],
  ["nan", { kind: "double" }, NaN, "NaN"],
  [
    "decimal",
    { kind: "decimal", precision: 38, scale: 10 },
    -12_345_678_901_234_567_890_123_456_789_012_345_678n,
    "-1234567890123456789012345678.9012345678",
  ],
  ["date", { kind: "date" }, -1, "1969-12-31"],
  ["time", { kind: "time" }, 86_399_999_999n, "23:59:59.999999"],
  ["timestamp", { kind: "timestamp" }, MICROS, "2026-01-01T00:00:00.123456"],
  ["timestamptz", { kind: "timestamptz" }, MICROS, "2026-01-01T00:00:00.123456Z"],
  [
    "timestamp_ns",
    { kind: "timestamp_ns" },
    MICROS * 1000n + 789n,
    "2026-01-01T00:00:00.123456789",
  ],
  [
    "timestamptz_ns",
    { kind: "timestamptz_ns" },
    MICROS * 1000n + 789n,
    "2026-01-01T00:00:00.123456789Z",
  ],
  ["string", { kind: "string" }, 'ü\u0000\n"', 'ü\u0000\n"'],
  ["uuid", { kind: "uuid" }, UUID, UUID],
  ["binary", { kind: "binary" }, BYTES, "AAF/gP8="],
  ["fixed", { kind: "fixed", length: 5 }, BYTES, "AAF/gP8="],
  ["a list of UUIDs", UUIDS, [UUID, null], [UUID, null]],
  [
    "a struct",
    STRUCT,
    [MICROS, 10n ** 37n + 1n, false],
    { f0: "2026-01-01T00:00:00.123456Z", f1: `1${"0".repeat(34)}0.01`, f2: false },
  ],
  ["a map", MAP, [["a", 0], ["b", null]], { a: "1970-01-01", b: null }],
];

for (const [name, type, value, shown] of CASES) {
  Deno.test(`a value of ${name} goes through the engine unchanged`, async () => {
    const table = new MemoryQueryTable({ v: type }, [[[value], [null]]]);
    for (const sql of ["SELECT v FROM db.t", "SELECT v FROM db.t ORDER BY v NULLS LAST"]) {
      const bytes = await queryBytes(db, sql, { tables: { "db.t": table } });
      const { rows } = JSON.parse(new TextDecoder().decode(bytes));
      assert.deepEqual(rows, [{ v: shown }, { v: null }], sql);
    }
  });
}
