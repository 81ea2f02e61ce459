import assert from "node:assert/strict";
import type { TableList } from "../../lib/tables/mod.ts";
import { copyFolder } from "./_copy_folder.ts";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

const FIXTURES = "../shared/fixtures/iceberg";
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];

/** Generated requests for each operation, and the longest that one run may take. */
const MAX_EXAMPLES = 30;
const MAX_RUN_MS = 300_000;

const PRINCIPALS = "^/api/(users|tokens|session)";
const HOOKS_DIR = new URL("./peers", import.meta.url).pathname;
const HOOKS = "schemathesis_hooks";
const AS_ADMIN = ["--header", `Authorization: Bearer ${ADMIN_TOKEN}`];
/** What takes away the tables that the other requests are about. */
const WITHOUT_DROP = ["--exclude-operation-id", "dropTable"];
const DROP_ONLY = ["--include-operation-id", "dropTable"];

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
      await using server = await startServer({
        DRLS_WAREHOUSE: warehouse,
        DRLS_TRUSTED_PROXIES: "1",
      });
      const document = await (await server.fetch("/openapi.json")).text();
      const run = (args: readonly string[], table: string | null = null) =>
        fuzz({ server, document, args, table });
      for (const table of ["db.events", "db.vectors", "db.broken", "drls.partitioned"]) {
        await t.step(`as Admin, on table ${table}`, async () => {
          const args = ["--include-path-regex", "^/api/table/", ...WITHOUT_DROP];
          await run([...AS_ADMIN, ...args], table);
        });
      }
      // What may revoke the token or change who holds it comes last, so that the rest is reached.
      await t.step("as Admin, over all but principals", () => {
        return run([...AS_ADMIN, "--exclude-path-regex", PRINCIPALS, ...WITHOUT_DROP]);
      });
      await t.step("without credentials", () => run([]));
      await t.step("reached what lies behind the checks", async () => {
        const list = await server.get<TableList>("/tables");
        // The documented example of a pipeline makes a sink.
        const tables = list.tables.filter((table) => table !== "db.output");
        assert.deepEqual(tables, ["db.broken", "db.events", "db.vectors", "partitioned"]);
        const answers = new Set(
          server.output().matchAll(/"route":"([^"]+)","status":(\d+)/g)
            .map(([, route, status]) => `${status} ${route}`),
        );
        for (const resource of ["schema", "health", "snapshots", "refs", "files"]) {
          for (const status of [200, 401, 404, 422]) {
            const seen = [...answers].some((answer) =>
              answer.startsWith(`${status} /api/table/`) && answer.endsWith(`/${resource}`)
            );
            assert(seen, `${status} for ${resource}: ${[...answers].join(", ")}`);
          }
        }
      });
      await t.step("as Admin, dropping a table", () => {
        return run([...AS_ADMIN, ...DROP_ONLY], "partitioned");
      });
      await t.step("as Admin, over principals", () => {
        return run([...AS_ADMIN, "--include-path-regex", PRINCIPALS]);
      });
    } finally {
      await Deno.remove(warehouse, { recursive: true });
    }
  },
});

interface Run {
  readonly server: Server;
  /** The OpenAPI document. */
  readonly document: string;
  readonly args: readonly string[];
  /** Stands for `{table_name}` instead of a generated one. */
  readonly table: string | null;
}

/** Runs Schemathesis; a failed check fails the test with its report. */
async function fuzz({ server, document, args, table }: Run): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-schemathesis-" });
  try {
    await Deno.writeTextFile(`${folder}/openapi.json`, document);
    const config = table === null ? "" : `[parameters]\n"path.table_name" = "${table}"\n`;
    await Deno.writeTextFile(`${folder}/schemathesis.toml`, config);
    const command = ["--no-color", "--config-file", "schemathesis.toml", "run", "openapi.json"];
    const options = {
      "--url": server.url,
      "--checks": CHECKS.join(","),
      "--phases": "examples,coverage,fuzzing",
      "--max-examples": String(MAX_EXAMPLES),
      "--seed": "1",
      "--suppress-health-check": "all",
      "--warnings": "off",
    };
    const { success, stdout } = await new Deno.Command(
      `${PEERS_DIR}/schemathesis/bin/schemathesis`,
      {
        args: [...command, ...Object.entries(options).flat(), ...args],
        env: { SCHEMATHESIS_HOOKS: HOOKS, PYTHONPATH: HOOKS_DIR, PYTHONDONTWRITEBYTECODE: "1" },
        cwd: folder,
        stdin: "null",
        signal: AbortSignal.timeout(MAX_RUN_MS),
      },
    ).output();
    const report = new TextDecoder().decode(stdout);
    assert(success, report.slice(-8000));
    assert.match(report, /No issues found/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
