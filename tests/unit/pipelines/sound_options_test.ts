import assert from "node:assert/strict";
import { requireSoundOptions } from "../../../lib/pipelines/_sound_options.ts";
import {
  PipelineOptions,
  SOURCE_CHANGES,
  WRITE_MODES,
} from "../../../lib/pipelines/contract/options.ts";

/** Fields that are named, for each combination. */
function refusals(isKeyed: boolean): Record<string, readonly string[]> {
  return Object.fromEntries(
    WRITE_MODES.flatMap((write_mode) =>
      SOURCE_CHANGES.map((source_changes) => {
        const key = isKeyed ? { key_columns: ["id"] } : {};
        const options = PipelineOptions.parse({ write_mode, source_changes, ...key });
        try {
          requireSoundOptions(options);
          return [`${write_mode} ${source_changes}`, []];
        } catch (error) {
          const issues: readonly { path: string }[] = Reflect.get(Object(error), "issues");
          return [`${write_mode} ${source_changes}`, issues.map(({ path }) => path)];
        }
      })
    ),
  );
}

Deno.test("requireSoundOptions() asks for a key where rows are found by it", () => {
  const { "overwrite-partitions changelog": odd, ...rest } = refusals(false);
  assert.deepEqual(odd, ["write_mode"]);
  for (const [combination, fields] of Object.entries(rest)) {
    const expected = combination.startsWith("upsert") ? ["key_columns"] : [];
    assert.deepEqual(fields, expected, combination);
  }
});

Deno.test("requireSoundOptions() refuses a key that nobody looks at", () => {
  assert.deepEqual(refusals(true), {
    "append fail": ["key_columns"],
    "append skip": ["key_columns"],
    "append added-files": ["key_columns"],
    "append changelog": [],
    "upsert fail": [],
    "upsert skip": [],
    "upsert added-files": [],
    "upsert changelog": [],
    "overwrite-partitions fail": ["key_columns"],
    "overwrite-partitions skip": ["key_columns"],
    "overwrite-partitions added-files": ["key_columns"],
    "overwrite-partitions changelog": ["key_columns", "write_mode"],
  });
});
