import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { parseSqlUri } from "../../../lib/catalog/sql_uri.ts";

const parse = (uri: string, dataDir: string | null = "/data") => parseSqlUri(uri, { dataDir });

function rejection(uri: string, dataDir: string | null = "/data"): AppError {
  try {
    parse(uri, dataDir);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`Accepted "${uri}"`);
}

Deno.test("parseSqlUri() reads absolute files in every spelling", () => {
  const spellings = [
    "sqlite:////lake/catalog.db",
    "sqlite+pysqlite:////lake/catalog.db",
    "sqlite:////lake/catalog.db?check_same_thread=false",
    "jdbc:sqlite:/lake/catalog.db",
    "jdbc:sqlite:file:/lake/catalog.db",
    "file:/lake/catalog.db",
    "file:///lake/catalog.db",
    "file://localhost/lake/catalog.db",
    "/lake/catalog.db",
  ];
  for (const uri of spellings) {
    deepStrictEqual(parse(uri), { kind: "file", path: "/lake/catalog.db" }, uri);
  }
});

Deno.test("parseSqlUri() resolves relative files below the data directory only", () => {
  const expected = { kind: "file", path: "/data/cat/c.db" };
  deepStrictEqual(parse("sqlite:///cat/c.db"), expected);
  deepStrictEqual(parse("jdbc:sqlite:cat/c.db", "/data/"), expected);
  deepStrictEqual(parse("file:cat/c.db"), expected);
  deepStrictEqual(rejection("sqlite:///cat/c.db", null).issues[0]?.path, "uri");
  deepStrictEqual(rejection("sqlite:///../c.db").code, "catalog_uri_invalid");
});

Deno.test("parseSqlUri() reads remote databases", () => {
  for (
    const url of ["libsql://db.example.org", "https://db.example.org:8443", "http://[::1]:8080"]
  ) {
    deepStrictEqual(parse(url), { kind: "remote", url });
  }
});

Deno.test("parseSqlUri() refuses databases in memory", () => {
  for (const uri of ["sqlite://", "sqlite:///", "sqlite:///:memory:", "jdbc:sqlite::memory:"]) {
    ok(rejection(uri).issues[0]?.message.includes("in memory"), uri);
  }
});

Deno.test("parseSqlUri() refuses credentials and does not repeat them", () => {
  for (const uri of ["https://user:hunter2@db", "libsql://db?authToken=hunter2"]) {
    const error = rejection(uri);
    ok(error.issues[0]?.message.includes("extra_props"));
    ok(!JSON.stringify(error).includes("hunter2"));
  }
});

Deno.test("parseSqlUri() says what to use instead of another database, without its password", () => {
  const uris = [
    "postgresql://u:hunter2@db/x",
    "postgresql+psycopg2://u:hunter2@db/x",
    "jdbc:postgresql://db/x",
    "mysql+pymysql://u:hunter2@db",
    "jdbc:mysql://db/x",
  ];
  for (const uri of uris) {
    const error = rejection(uri);
    deepStrictEqual([error.kind, error.code], ["unsupported", "sql_database_unsupported"]);
    ok(error.message.includes("rest"));
    ok(!error.message.includes("hunter2"));
  }
});

Deno.test("parseSqlUri() refuses anything else", () => {
  for (const uri of ["", "catalog.db", "ftp://x/y", "libsql://", "sqlite:////a\0b"]) {
    throws(() => parse(uri), AppError, uri);
  }
});
