import assert from "node:assert/strict";
import * as jobs from "../../../lib/jobs/mod.ts";
import * as maintenance from "../../../lib/maintenance/contract/mod.ts";
import * as tables from "../../../lib/tables/contract/mod.ts";
import { INSTALLED_JOBS } from "../../../workers/_installed_jobs.ts";

Deno.test("INSTALLED_JOBS has every job that the main isolate can ask for, once", () => {
  const declared = [jobs, maintenance, tables].flatMap((door) =>
    Object.entries(door).filter(([name]) => name.endsWith("Job") && name !== "installJob")
      .filter(([name]) => name !== "defineJob")
      .map(([, spec]) => spec as jobs.JobSpec<unknown, unknown>)
  );
  assert.ok(declared.length >= 9, `${declared.length}`);
  const installed = INSTALLED_JOBS.map(({ spec }) => spec.name);
  assert.deepEqual(
    declared.map(({ name }) => name).filter((name) => !installed.includes(name)),
    [],
  );
  assert.equal(new Set(installed).size, installed.length);
});
