/**
 * The `uri` of a sql catalog as its other users write it: PyIceberg (SQLAlchemy), Java (JDBC) and
 * libSQL. Only SQLite and libSQL are spoken; no spelling may carry a secret.
 */
import { AppError } from "../errors.ts";

/** A database that can be opened. */
export type SqlDatabase =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "remote"; readonly url: string };

/** Options of {@linkcode parseSqlUri}. */
export interface ParseSqlUriOptions {
  /** Absolute path that relative database files lie below; null refuses them. */
  readonly dataDir: string | null;
}

const REMOTE = /^(?:libsql|https?|wss?):\/\//i;
const OTHER_DATABASES = /^(?:jdbc:)?(postgres|postgresql|mysql|mariadb|oracle|mssql|sqlserver)\b/i;

/**
 * Reads a uri; errors are `invalid` with the issue at `uri`, or `unsupported` for a database that
 * drls does not speak. Accepted: `sqlite:////abs/path.db` and `sqlite:///below/data/dir.db`
 * (SQLAlchemy: three slashes begin a relative path, four an absolute one), `jdbc:sqlite:/path`,
 * `file:/path`, a plain absolute path, `libsql://host`, `http(s)://host`.
 */
export function parseSqlUri(uri: string, options: ParseSqlUriOptions): SqlDatabase {
  const other = OTHER_DATABASES.exec(uri)?.[1];
  if (other !== undefined) throw otherDatabase(other.toLowerCase());
  if (REMOTE.test(uri)) return { kind: "remote", url: checkRemote(uri) };
  const path = filePath(uri);
  if (path === null) throw invalidUri("Expected sqlite:////path/catalog.db or libsql://host");
  if (path === "" || path.startsWith(":memory:")) {
    throw invalidUri("Expected a file: a database in memory cannot be shared with other engines");
  }
  if (/[\0]/.test(path) || path.split("/").includes("..")) {
    throw invalidUri("Expected a path without null bytes and without .. segments");
  }
  if (path.startsWith("/")) return { kind: "file", path };
  if (options.dataDir === null) {
    throw invalidUri("Expected an absolute path; SQLAlchemy writes it with four slashes");
  }
  return { kind: "file", path: `${options.dataDir.replace(/\/+$/, "")}/${path}` };
}

/** The path in a uri that names a file; null where it has another form. */
function filePath(uri: string): string | null {
  const withoutQuery = uri.replace(/\?.*$/s, "");
  if (withoutQuery.startsWith("/")) return withoutQuery;
  const alchemy = /^sqlite(?:\+\w+)?:\/\/(?:\/(.*))?$/is.exec(withoutQuery);
  if (alchemy !== null) return alchemy[1] ?? "";
  const jdbc = /^jdbc:sqlite:(.*)$/is.exec(withoutQuery)?.[1];
  const rest = jdbc ?? withoutQuery;
  const file = /^file:(?:\/\/(?:localhost)?(?=\/))?(.*)$/is.exec(rest)?.[1];
  if (file !== undefined) return file.replace(/^\/+/, "/");
  return jdbc ?? null;
}

function checkRemote(uri: string): string {
  const url = URL.canParse(uri) ? new URL(uri) : null;
  if (url === null || url.hostname === "") {
    throw invalidUri("Expected libsql://host or https://host");
  }
  if (url.username !== "" || url.password !== "" || url.searchParams.has("authToken")) {
    throw invalidUri('Expected no credentials in it; put the token into extra_props as "token"');
  }
  return uri;
}

function otherDatabase(name: string): AppError {
  const message =
    `Cannot open a sql catalog on ${name}: drls speaks SQLite and libSQL; serve this ` +
    "catalog over Iceberg REST and use catalog_type rest, or move it to SQLite";
  return new AppError("unsupported", "sql_database_unsupported", message, {
    issues: [{ path: "uri", message: "Expected a sqlite: or libsql: uri" }],
  });
}

function invalidUri(message: string): AppError {
  return new AppError("invalid", "catalog_uri_invalid", "Cannot use the catalog's uri", {
    issues: [{ path: "uri", message }],
  });
}
