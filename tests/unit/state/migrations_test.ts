import assert from "node:assert/strict";
import { migrationChecksum } from "../../../lib/state/migrate.ts";
import { MIGRATIONS } from "../../../migrations/mod.ts";

const FOLDER = new URL("../../../migrations/", import.meta.url);

function filesOnDisk(): string[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) =>
    name.endsWith(".sql")
  ).sort();
}

Deno.test("MIGRATIONS lists every file of the folder, in order", () => {
  assert.deepEqual(MIGRATIONS.map(({ name }) => `${name}.sql`), filesOnDisk());
});

Deno.test("MIGRATIONS holds each file's text", () => {
  for (const { name, sql } of MIGRATIONS) {
    assert.equal(sql, Deno.readTextFileSync(new URL(`${name}.sql`, FOLDER)));
  }
});

Deno.test("MIGRATIONS are numbered without a gap and named by a sentence", () => {
  for (const [index, { name }] of MIGRATIONS.entries()) {
    assert.match(name, /^\d{4}(_[a-z0-9]+)+$/);
    assert.equal(Number(name.slice(0, 4)), index + 1);
  }
});

Deno.test("MIGRATIONS leave transactions and connection settings to the migrator", () => {
  for (const { name, sql } of MIGRATIONS) {
    const statements = sql.replaceAll(/--.*$/gm, "");
    assert.doesNotMatch(statements, /\b(BEGIN|COMMIT|ROLLBACK|PRAGMA|ATTACH|VACUUM)\b/i, name);
  }
});

Deno.test("migrationChecksum() does not depend on the line ends of a checkout", () => {
  const unix = migrationChecksum({ name: "0001_a", sql: "SELECT 1;\nSELECT 2;\n" });
  assert.equal(migrationChecksum({ name: "0001_a", sql: "SELECT 1;\r\nSELECT 2;\r\n" }), unix);
  assert.notEqual(migrationChecksum({ name: "0001_a", sql: "SELECT 1;\nSELECT 3;\n" }), unix);
});
