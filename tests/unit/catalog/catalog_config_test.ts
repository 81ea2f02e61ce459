import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { openCatalog, parseCatalogConfig, toConfigBody } from "../../../lib/catalog/mod.ts";

const HADOOP = {
  catalog_type: "hadoop",
  warehouse: "/wh",
  catalog_name: "drls",
  uri: null,
  extra_props: {},
};
const SQL = { catalog_type: "sql", warehouse: "/wh", uri: "sqlite:////wh/c.db" };
const REST = { catalog_type: "rest", uri: "https://catalog.example.org/iceberg" };

const parse = (body: unknown) => parseCatalogConfig(body, { dataDir: null });

/** The issues of a refused body, `path: message`. */
function issues(body: unknown): readonly string[] {
  try {
    parse(body);
  } catch (error) {
    ok(error instanceof AppError);
    deepStrictEqual([error.kind, error.code], ["invalid", "catalog_config_invalid"]);
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  throw new Error(`Accepted ${JSON.stringify(body)}`);
}

const paths = (body: unknown) => issues(body).map((issue) => issue.split(":")[0]);

Deno.test("parseCatalogConfig() takes the reference's body, and gives it back", () => {
  const config = parse(HADOOP);
  deepStrictEqual(config, {
    type: "hadoop",
    name: "drls",
    warehouse: "/wh",
    uri: null,
    extraProps: {},
  });
  deepStrictEqual(toConfigBody(config), HADOOP);
});

Deno.test("parseCatalogConfig() fills what is left out", () => {
  deepStrictEqual(toConfigBody(parse(REST)), {
    ...REST,
    catalog_name: "drls",
    warehouse: null,
    extra_props: {},
  });
});

Deno.test("parseCatalogConfig() takes every kind of catalog and location", () => {
  const bodies = [
    { ...HADOOP, warehouse: "file:///wh" },
    { ...HADOOP, warehouse: "s3://lake/wh" },
    { ...HADOOP, warehouse: "s3a://lake" },
    SQL,
    { ...SQL, uri: "libsql://db.example.org", extra_props: { token: "t" } },
    { ...REST, warehouse: "any name" },
    { ...REST, uri: "http://127.0.0.1:8181/" },
  ];
  for (const body of bodies) ok(openCatalog(parse(body), { dataDir: null, storageRoots: [] }));
});

Deno.test("parseCatalogConfig() names every unknown field", () => {
  deepStrictEqual(paths({ ...HADOOP, warehose: 1, props: {} }), ["warehose", "props"]);
});

Deno.test("parseCatalogConfig() says which of ours stands in for another catalog", () => {
  const remedies: Readonly<Record<string, RegExp>> = {
    nessie: /"rest".*19120\/iceberg/,
    glue: /"rest".*sigv4/,
    hive: /"rest".*"hadoop" or "sql"/,
    Hive: /"rest"/,
    dynamodb: /"rest"/,
    bigquery: /BigLake/,
    unity: /unity-catalog/,
    s3_tables: /s3tables/,
    jdbc: /use "sql"/,
    "in-memory": /SQLite/,
    filesystem: /use "hadoop"/,
  };
  for (const [type, remedy] of Object.entries(remedies)) {
    const [issue = ""] = issues({ ...HADOOP, catalog_type: type });
    ok(issue.startsWith('catalog_type: Expected "hadoop", "sql" or "rest"'), issue);
    ok(remedy.test(issue), issue);
  }
  for (const type of ["constructor", "", 5, null, undefined]) {
    deepStrictEqual(issues({ ...HADOOP, catalog_type: type }), [
      'catalog_type: Expected "hadoop", "sql" or "rest"',
    ]);
  }
});

Deno.test("parseCatalogConfig() refuses warehouses that no store could hold", () => {
  const warehouses = [
    null,
    "wh",
    "./wh",
    "../wh",
    "/a/../b",
    "",
    "hdfs://x/y",
    "gs://b/x",
    "s3://",
    "file://host/x",
    "/a\nb",
  ];
  for (const warehouse of warehouses) {
    deepStrictEqual(paths({ ...HADOOP, warehouse }), ["warehouse"], String(warehouse));
    deepStrictEqual(paths({ ...SQL, warehouse }), ["warehouse"], String(warehouse));
  }
});

Deno.test("parseCatalogConfig() refuses to make the whole machine a warehouse", () => {
  const folders = [
    "/",
    "file:/",
    "file:///",
    "/./",
    "/proc",
    "/proc/self",
    "/sys/",
    "/dev",
    "/a/..",
  ];
  for (const warehouse of folders) {
    for (const body of [HADOOP, SQL, REST]) {
      deepStrictEqual(paths({ ...body, warehouse }), ["warehouse"], warehouse);
    }
  }
  ok(parse({ ...HADOOP, warehouse: "/process/dev" }));
});

Deno.test("parseCatalogConfig() refuses properties that lead elsewhere than they seem to", () => {
  const wrong = {
    uri: "https://elsewhere.example.org",
    "s3.region": "elsewhere.example.org/",
    "client.region": "x#",
    "s3.proxy-uri": "http://user:hunter2@proxy.example.org",
  };
  const extra_props = {
    ...wrong,
    "s3.signer.uri": "https://signer.example.org",
    credential: "a:b",
  };
  deepStrictEqual(
    paths({ ...REST, extra_props }),
    Object.keys(wrong).map((name) => `extra_props.${name}`),
  );
  ok(!issues({ ...REST, extra_props }).join().includes("hunter2"));
});

Deno.test("parseCatalogConfig() refuses addresses that lead nowhere or hold secrets", () => {
  const wrong = [
    null,
    "catalog",
    "ftp://x",
    "https://u:hunter2@x",
    "https://x?token=hunter2",
    "https://x#y",
  ];
  for (const uri of wrong) {
    deepStrictEqual(paths({ ...REST, uri }), ["uri"], String(uri));
    ok(!issues({ ...REST, uri }).join().includes("hunter2"));
  }
  deepStrictEqual(paths({ ...SQL, uri: "postgresql://u:hunter2@h/db" }), ["uri"]);
  ok(issues({ ...SQL, uri: "mysql://h/db" }).join().includes("catalog_type rest"));
  deepStrictEqual(paths({ ...SQL, uri: null }), ["uri"]);
  deepStrictEqual(paths({ ...HADOOP, uri: "http://x" }), ["uri"]);
});

Deno.test("parseCatalogConfig() takes numbers and booleans among the properties as text", () => {
  const extra_props = { "s3.path-style-access": true, "rest-page-size": 100, custom: "x" };
  deepStrictEqual(parse({ ...REST, extra_props }).extraProps, {
    "s3.path-style-access": "true",
    "rest-page-size": "100",
    custom: "x",
  });
});

Deno.test("parseCatalogConfig() names each bad property and never repeats its value", () => {
  const extra_props = {
    token: "hunter2\r\nx: y",
    credential: { hunter2: 1 },
    "header.bad name": "hunter2",
    "header.ok": "hunter2é",
    "s3.endpoint": "https://hunter2@store/path",
    "oauth2-server-uri": "hunter2",
    "s3.path-style-access": "hunter2",
    "": "hunter2",
  };
  const { credential, ["" as const]: empty, ...rest } = extra_props;
  deepStrictEqual(
    paths({ ...REST, extra_props: rest }),
    Object.keys(rest).map((name) => `extra_props.${name}`),
  );
  for (const wrong of [{ credential }, { "": empty }, rest]) {
    ok(!issues({ ...REST, extra_props: wrong }).join().includes("hunter2"));
  }
  strictEqual(paths({ ...REST, extra_props: { credential } })[0], "extra_props.credential");
});

Deno.test("parseCatalogConfig() bounds what it takes", () => {
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`p${i}`, "x"]));
  deepStrictEqual(paths({ ...REST, extra_props: many }), ["extra_props"]);
  deepStrictEqual(paths({ ...REST, extra_props: { p: "x".repeat(20_000) } }), ["extra_props.p"]);
  deepStrictEqual(paths({ ...HADOOP, warehouse: `/${"x".repeat(5_000)}` }), ["warehouse"]);
  deepStrictEqual(paths({ ...HADOOP, catalog_name: "a.b" }), ["catalog_name"]);
});

Deno.test("parseCatalogConfig() refuses what is no object", () => {
  for (const body of [null, 5, "x", [], undefined]) throws(() => parse(body), AppError);
});
