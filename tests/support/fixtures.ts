/**
 * The real tables of other engines that lie beside the project, in `../shared/fixtures/iceberg`. They
 * are not part of it; where they are missing, the tests that need them are skipped by name, and fail
 * in CI.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder, absolute, without a slash at its end. */
export const FIXTURES = fileURLToPath(new URL("../../../shared/fixtures/iceberg", import.meta.url));

/** Whether the fixtures can be read. */
export const HAVE_FIXTURES = existsSync(FIXTURES);

if (!HAVE_FIXTURES && Deno.env.get("CI") === "true") {
  throw new Error(`Cannot find the fixtures at "${FIXTURES}", which CI must have`);
}

/** A test that reads the fixtures. */
export function fixtureTest(name: string, fn: () => void | Promise<void>): void {
  const shown = HAVE_FIXTURES ? name : `SKIPPED, needs ../shared/fixtures/iceberg: ${name}`;
  Deno.test({ name: shown, ignore: !HAVE_FIXTURES, fn });
}
