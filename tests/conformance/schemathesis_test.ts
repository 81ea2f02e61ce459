import assert from "node:assert/strict";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

const FIXTURES = "../shared/fixtures/iceberg";
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];

/** Requests for each operation and phase, and seconds for each run. */
const MAX_EXAMPLES = 40;
const MAX_SECONDS = 120;

/** Where the documents' own example, `db.events`, and other names lead to real tables. */
const TABLES: Readonly<Record<string, string>> = {
  "db/events": "hyperparam/java/bunnies",
  "db/vectors": "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector",
  "partitioned": "hyperparam/spark/rename_column",
};

peerTest("generated requests get documented answers", ["schemathesis"], {
  fn: async (t) => {
    const warehouse = await Deno.makeTempDir({ prefix: "drls-fuzz-" });
    try {
      for (const [to, from] of Object.entries(TABLES)) {
        await copyFolder(`${FIXTURES}/${from}`, `${warehouse}/${to}`);
      }
      await Deno.mkdir(`${warehouse}/db/broken/metadata`, { recursive: true });
      await Deno.writeTextFile(`${warehouse}/db/broken/metadata/v1.metadata.json`, '{"format-');
      await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
      await t.step("as Admin, over the whole document", async () => {
        await fuzz(server, ["--header", `Authorization: Bearer ${ADMIN_TOKEN}`]);
      });
      for (const table of ["db.events", "db.vectors", "db.broken", "drls.partitioned"]) {
        await t.step(`as Admin, on table ${table}`, async () => {
          await fuzz(server, [
            "--header",
            `Authorization: Bearer ${ADMIN_TOKEN}`,
            "--include-path-regex",
            "^/api/table/",
          ], table);
        });
      }
      await t.step("without credentials", async () => await fuzz(server, []));
    } finally {
      await Deno.remove(warehouse, { recursive: true });
    }
  },
});

/** Runs Schemathesis; a failed check fails the test with its report. */
async function fuzz(server: Server, args: readonly string[], table?: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-schemathesis-" });
  try {
    const config = table === undefined ? "" : `[parameters]\n"path.table_name" = "${table}"\n`;
    await Deno.writeTextFile(`${folder}/schemathesis.toml`, config);
    const { success, stdout } = await new Deno.Command(
      `${PEERS_DIR}/schemathesis/bin/schemathesis`,
      {
        args: [
          "--no-color",
          "--config-file",
          `${folder}/schemathesis.toml`,
          "run",
          `${server.url}/api/openapi.json`,
          "--checks",
          CHECKS.join(","),
          "--max-examples",
          String(MAX_EXAMPLES),
          "--max-time",
          String(MAX_SECONDS),
          "--phases",
          "examples,coverage,fuzzing",
          "--seed",
          "1",
          "--suppress-health-check",
          "all",
          ...args,
        ],
        cwd: folder,
        stdin: "null",
      },
    ).output();
    const report = new TextDecoder().decode(stdout);
    assert(success, report.slice(-8000));
    assert.match(report, /Test Phases|passed/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.writeFile(`${to}/${name}`, await Deno.readFile(`${from}/${name}`));
  }
}
