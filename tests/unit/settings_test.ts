import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../lib/errors.ts";
import { isLoopback, loadSettings, settingsTable } from "../../lib/settings.ts";
import { SETTING_NAMES, settingMeta } from "../../lib/settings_schema.ts";

interface Given {
  readonly env?: Record<string, string>;
  readonly file?: string;
  readonly cores?: number;
}

function load({ env = {}, file, cores = 2 }: Given = {}) {
  return loadSettings({
    env: file === undefined ? env : { DRLS_CONFIG_FILE: "drls.json", ...env },
    cwd: "/srv",
    cores,
    tempDir: "/tmp",
    readTextFile: (path) => {
      assert.equal(path, "/srv/drls.json");
      if (file === undefined) throw new Deno.errors.NotFound("no such file");
      return file;
    },
  });
}

function refusal(given: Given): AppError {
  try {
    load(given);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, "invalid_settings");
    return error;
  }
  throw new assert.AssertionError({ message: "accepted" });
}

Deno.test("loadSettings() has a default for everything", () => {
  const settings = load();
  assert.equal(settings.host, "127.0.0.1");
  assert.equal(settings.port, 3000);
  assert.equal(settings.dataDir, "/srv/data");
  assert.equal(settings.stateUrl, "file:/srv/data/state.db");
  assert.equal(settings.auth, "required");
  assert.equal(settings.jwt, null);
  assert.equal(settings.bootstrapToken, null);
  assert.deepEqual(settings.catalog, {
    type: "hadoop",
    name: "drls",
    warehouse: "/srv/data/warehouse",
    uri: null,
    extraProps: {},
  });
});

Deno.test("loadSettings() takes the environment", () => {
  const settings = load({
    env: {
      HOST: "0.0.0.0",
      PORT: "0",
      DRLS_DATA_DIR: "/var/lib/drls",
      DRLS_STATE_URL: "libsql://db.example.com",
      DRLS_STATE_AUTH_TOKEN: "s3cret",
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: "https://catalog.example.com",
      DRLS_CATALOG_PROPS: '{"credential":"id:secret"}',
      DRLS_CORS_ORIGINS: "https://a.example.com, http://localhost:8080",
      DRLS_METADATA_CACHE_BYTES: "64MiB",
      DRLS_BODY_LIMIT_BYTES: "2048",
      DRLS_READER_ISOLATES: "3",
      HOME: "/root",
    },
  });
  assert.equal(settings.port, 0);
  assert.equal(settings.dataDir, "/var/lib/drls");
  assert.equal(settings.stateUrl, "libsql://db.example.com");
  assert.equal(settings.stateAuthToken?.reveal(), "s3cret");
  assert.equal(settings.catalog.warehouse, null);
  assert.deepEqual(settings.catalog.extraProps, { credential: "id:secret" });
  assert.deepEqual(settings.corsOrigins, ["https://a.example.com", "http://localhost:8080"]);
  assert.equal(settings.metadataCacheBytes, 64 * 1024 * 1024);
  assert.equal(settings.bodyLimitBytes, 2048);
  assert.equal(settings.readerIsolates, 3);
});

Deno.test("loadSettings() counts an empty variable as unset", () => {
  assert.equal(load({ env: { PORT: "", DRLS_STATE_URL: "" } }).port, 3000);
});

Deno.test("loadSettings() derives the number of reader isolates from the cores", () => {
  const isolates = [1, 2, 3, 4, 5, 64].map((cores) => load({ cores }).readerIsolates);
  assert.deepEqual(isolates, [2, 2, 2, 3, 4, 4]);
});

Deno.test("loadSettings() makes a relative warehouse absolute and leaves locations alone", () => {
  const warehouse = (given: string) => load({ env: { DRLS_WAREHOUSE: given } }).catalog.warehouse;
  assert.equal(warehouse("lake"), "/srv/lake");
  assert.equal(warehouse("/mnt/lake"), "/mnt/lake");
  assert.equal(warehouse("s3://bucket/lake"), "s3://bucket/lake");
});

Deno.test("loadSettings() names a wrong setting, its value and the remedy", () => {
  const { message, issues } = refusal({ env: { PORT: "http" } });
  assert.match(message, /PORT is "http": expected a whole number from 0 to 65535\. Correct it, or/);
  assert.deepEqual(issues.map(({ path }) => path), ["PORT"]);
});

Deno.test("loadSettings() names every wrong setting at once", () => {
  const { message, issues } = refusal({
    env: { PORT: "70000", DRLS_AUTH: "maybe", DRLS_SHUTDOWN_MS: "-1" },
  });
  assert.match(message, /3 settings are wrong/);
  assert.deepEqual(issues.map(({ path }) => path), ["PORT", "DRLS_AUTH", "DRLS_SHUTDOWN_MS"]);
});

Deno.test("loadSettings() never shows a secret", () => {
  const { message } = refusal({
    env: {
      DRLS_BOOTSTRAP_TOKEN: "hunter2",
      DRLS_CATALOG_PROPS: '{"credential": hunter2}',
      DRLS_STATE_URL: "ftp://admin:hunter2@db/?authToken=hunter2",
    },
  });
  assert.ok(!message.includes("hunter2"), message);
  assert.match(message, /DRLS_BOOTSTRAP_TOKEN is "\*{8}"/);
});

Deno.test("loadSettings() refuses an unknown DRLS_ name and suggests the nearest", () => {
  const { message } = refusal({ env: { DRLS_WAREHOSE: "/x", DRLS_NO_SUCH_THING_AT_ALL: "1" } });
  assert.match(message, /DRLS_WAREHOSE is not a setting of drls\. Did you mean DRLS_WAREHOUSE\?/);
  assert.match(message, /DRLS_NO_SUCH_THING_AT_ALL is not a setting of drls\. Remove it/);
});

Deno.test("loadSettings() refuses to serve other machines without authentication", () => {
  for (const HOST of ["0.0.0.0", "::", "192.168.1.5", "drls.example.com"]) {
    assert.match(refusal({ env: { HOST, DRLS_AUTH: "off" } }).message, /Set DRLS_AUTH=required/);
  }
  for (const HOST of ["127.0.0.1", "localhost", "::1"]) {
    assert.equal(load({ env: { HOST, DRLS_AUTH: "off" } }).auth, "off");
  }
});

Deno.test("loadSettings() wants the JWT settings together", () => {
  const DRLS_JWT_ISSUER = "https://id.example.com";
  const { issues } = refusal({ env: { DRLS_JWT_ISSUER } });
  assert.deepEqual(issues.map(({ path }) => path), ["DRLS_JWT_AUDIENCE", "DRLS_JWT_JWKS_URL"]);
  const settings = load({
    env: {
      DRLS_JWT_ISSUER,
      DRLS_JWT_AUDIENCE: "drls",
      DRLS_JWT_JWKS_URL: "https://id.example.com/jwks",
    },
  });
  assert.deepEqual(settings.jwt, {
    issuer: DRLS_JWT_ISSUER,
    audience: "drls",
    jwksUrl: "https://id.example.com/jwks",
    roleClaim: "role",
  });
});

Deno.test("loadSettings() wants an address for a catalog that needs one", () => {
  assert.match(
    refusal({ env: { DRLS_CATALOG_TYPE: "sql" } }).message,
    /DRLS_CATALOG_URI is not set, but a catalog of type "sql" needs it/,
  );
});

Deno.test("loadSettings() refuses CORS origins that are not origins", () => {
  for (const bad of ["*", "https://a.example.com/path", "a.example.com", "null"]) {
    assert.match(refusal({ env: { DRLS_CORS_ORIGINS: bad } }).message, /DRLS_CORS_ORIGINS is/);
  }
});

Deno.test("loadSettings() reads a file, and the environment wins over it", () => {
  const file = JSON.stringify({
    PORT: 4000,
    DRLS_LOG_LEVEL: "warn",
    DRLS_CORS_ORIGINS: ["https://a.example.com", "https://b.example.com"],
    DRLS_CATALOG_PROPS: { "s3.region": "eu-west-1" },
  });
  const settings = load({ file, env: { PORT: "5000" } });
  assert.equal(settings.port, 5000);
  assert.equal(settings.logLevel, "warn");
  assert.equal(settings.corsOrigins.length, 2);
  assert.deepEqual(settings.catalog.extraProps, { "s3.region": "eu-west-1" });
});

Deno.test("loadSettings() names the file that a wrong value is in", () => {
  const { message } = refusal({ file: '{"PORT": "x", "HOTS": "a"}' });
  assert.match(message, /PORT is "x" in "drls.json"/);
  assert.match(message, /HOTS in "drls.json" is not a setting of drls\. Did you mean HOST\?/);
});

Deno.test("loadSettings() says why a file cannot be used, without quoting it", () => {
  assert.match(refusal({ file: '{"PORT": hunter2}' }).message, /it is not JSON/);
  assert.ok(!refusal({ file: '{"PORT": hunter2}' }).message.includes("hunter2"));
  assert.match(refusal({ file: "[1]" }).message, /it is not a JSON object/);
  const env = { DRLS_CONFIG_FILE: "drls.json" };
  assert.match(refusal({ env }).message, /it cannot be read \(NotFound\)/);
});

Deno.test("loadSettings() returns settings or names what is wrong, whatever it is given", () => {
  const name = fc.constantFrom(...SETTING_NAMES.filter((n) => n !== "DRLS_CONFIG_FILE"));
  fc.assert(fc.property(fc.dictionary(name, fc.string()), (env) => {
    try {
      load({ env });
    } catch (error) {
      assert.ok(error instanceof AppError && error.issues.length > 0, String(error));
    }
  }));
});

Deno.test("settingsTable() has a row for every setting", () => {
  const table = settingsTable();
  for (const name of SETTING_NAMES) {
    assert.ok(table.includes(`| \`${name}\` |`), name);
    assert.ok(settingMeta(name).description.length > 0, name);
  }
  assert.equal(table.trimEnd().split("\n").length, SETTING_NAMES.length + 2);
});

Deno.test("isLoopback() knows what only this machine reaches", () => {
  for (const host of ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"]) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ["0.0.0.0", "::", "127.0.0.1.example.com", "localhost.example.com", ""]) {
    assert.ok(!isLoopback(host), host);
  }
});

Deno.test("loadSettings() lets checkpoints lie in a folder of their own and among temporary files", () => {
  const roots = (env: Record<string, string>) => load({ env }).checkpointRoots;
  assert.deepEqual(roots({ DRLS_DATA_DIR: "/var/drls" }), ["/var/drls/checkpoints", "/tmp"]);
  const set = { DRLS_CHECKPOINT_ROOTS: "/srv/checkpoints, s3://lake/checkpoints" };
  assert.deepEqual(roots(set), ["/srv/checkpoints", "s3://lake/checkpoints"]);
});
