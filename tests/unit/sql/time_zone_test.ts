import assert from "node:assert/strict";
import { instantToLocal, localToInstant } from "../../../lib/sql/time_zone.ts";
import { AppError } from "../../../lib/errors.ts";

const micros = (iso: string) => BigInt(Date.parse(`${iso}Z`)) * 1000n;

/** Zone, instant in UTC, wall clock there. */
const CASES = [
  ["Europe/Berlin", "2026-01-01T00:00:00", "2026-01-01T01:00:00"],
  ["Europe/Berlin", "2026-07-01T00:00:00", "2026-07-01T02:00:00"],
  ["America/New_York", "2026-03-08T06:59:59", "2026-03-08T01:59:59"],
  ["America/New_York", "2026-03-08T07:00:00", "2026-03-08T03:00:00"],
  ["Asia/Kathmandu", "2026-01-01T00:00:00", "2026-01-01T05:45:00"],
  ["Australia/Lord_Howe", "2026-04-04T14:00:00", "2026-04-05T01:00:00"],
  ["UTC", "1969-12-31T23:59:59", "1969-12-31T23:59:59"],
] as const;

for (const [zone, instant, local] of CASES) {
  Deno.test(`${instant} UTC is ${local} in ${zone}`, () => {
    const there = instantToLocal(zone, micros(instant) + 123_456n);
    assert.equal(there, micros(local) + 123_456n);
    assert.equal(localToInstant(zone, there), micros(instant) + 123_456n);
  });
}

Deno.test("a wall-clock time that happens twice is the first", () => {
  assert.equal(
    localToInstant("Europe/Berlin", micros("2026-10-25T02:30:00")),
    micros("2026-10-25T00:30:00"),
  );
});

Deno.test("a wall-clock time that is skipped is read with the offset before the change", () => {
  assert.equal(
    localToInstant("Europe/Berlin", micros("2026-03-29T02:30:00")),
    micros("2026-03-29T01:30:00"),
  );
});

Deno.test("an unknown zone is named", () => {
  assert.throws(
    () => instantToLocal("Mars/Olympus", 0n),
    (error) => error instanceof AppError && error.code === "time_zone_unknown",
  );
});
