import assert from "node:assert/strict";
import { parseTrigger } from "../../../../lib/pipelines/contract/trigger.ts";

Deno.test("parseTrigger() takes the intervals of Spark", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0 seconds", 0],
    ["10 seconds", 10_000],
    ["1 second", 1_000],
    ["500 milliseconds", 500],
    ["1 minute", 60_000],
    ["2 hours", 7_200_000],
    ["1 day", 86_400_000],
    ["1 week", 604_800_000],
    ["interval 1 minute 30 seconds", 90_000],
    ["1 minute 30 seconds", 90_000],
    ["  5   SECONDS  ", 5_000],
    ["5\tseconds\n", 5_000],
    ["Interval 3 Minutes", 180_000],
    ["007 seconds", 7_000],
  ];
  for (const [text, everyMs] of cases) {
    assert.deepEqual(parseTrigger(text), { kind: "interval", everyMs }, text);
  }
});

Deno.test("parseTrigger() takes once and available-now", () => {
  assert.deepEqual(parseTrigger(" Once "), { kind: "once" });
  for (const text of ["available-now", "availableNow", "AVAILABLENOW"]) {
    assert.deepEqual(parseTrigger(text), { kind: "available-now" }, text);
  }
});

Deno.test("parseTrigger() rejects everything else by the name of its field", () => {
  const texts = [
    "",
    " ",
    "interval",
    "interval ",
    "10",
    "seconds",
    "10seconds",
    "-1 seconds",
    "1.5 seconds",
    "1e3 seconds",
    "0x10 seconds",
    "1 fortnight",
    "1 month",
    "1 secondss",
    "1 s",
    "1 constructor",
    "1 tostring",
    "1 __proto__",
    "1 hasownproperty",
    "10 seconds and more",
    "10 seconds,",
    "once more",
    "8 days",
    "169 hours",
    "999999999999 days",
    "9999999999999 milliseconds",
    "٣ seconds",
    "1 second\u0000",
    "1 second; DROP TABLE pipelines",
    `${"1 second ".repeat(20)}x`,
    "9".repeat(100_000),
    `1${" ".repeat(100_000)}`,
  ];
  for (const text of texts) {
    assert.throws(
      () => parseTrigger(text),
      (error: Error) => {
        assert.equal(Reflect.get(error, "code"), "trigger_invalid", text);
        assert.equal(Reflect.get(error, "issues")[0].path, "trigger_interval");
        return true;
      },
      text,
    );
  }
});
