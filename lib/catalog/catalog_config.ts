/** The catalog's configuration: the body of `GET` and `PUT /api/config`, checked as a whole. */
import { z } from "zod";
import { AppError, type FieldIssue } from "../errors.ts";
import { localPath, locationScheme } from "./_location.ts";
import { isRegion } from "../storage/mod.ts";
import { otherCatalogRemedy } from "./_other_catalogs.ts";
import type { CatalogType } from "./ports.ts";
import { isSecretProperty } from "./secret_properties.ts";
import { parseSqlUri } from "./sql_uri.ts";
import { isS3 } from "./storage_properties.ts";

const MAX_TEXT_CHARS = 2_048;
const MAX_PROPERTIES = 200;
const MAX_PROPERTY_CHARS = 16_384;

/** A configured catalog. `extraProps` may hold secrets: never log it. */
export interface CatalogConfig {
  readonly type: CatalogType;
  readonly name: string;
  /** hadoop, sql: an absolute path, `file:` or `s3:` URI. rest: what the server calls it, or null. */
  readonly warehouse: string | null;
  readonly uri: string | null;
  readonly extraProps: Readonly<Record<string, string>>;
}

const PropertyValue = z.union([z.string().max(MAX_PROPERTY_CHARS), z.number(), z.boolean()])
  .describe("texts; numbers and booleans are taken as their text");

/** `PUT /api/config`. Other fields are refused by name. */
export const CatalogConfigInput = z.strictObject({
  catalog_type: z.enum(["hadoop", "sql", "rest"], {
    error: ({ input }) => otherCatalogRemedy(input),
  }),
  warehouse: z.string().min(1).max(MAX_TEXT_CHARS).nullish().describe(
    "hadoop and sql: an absolute path, a file: or an s3: location; rest: the server's name for it",
  ),
  catalog_name: z.string().regex(
    /^[\w-]{1,128}$/,
    "Expected 1 to 128 letters, digits, underscores or hyphens",
  ).default("drls").describe("optional first level of table names"),
  uri: z.string().min(1).max(MAX_TEXT_CHARS).nullish().describe(
    "sql: the database, sqlite:////path/catalog.db or libsql://host; rest: the server's address",
  ),
  extra_props: z.record(z.string().min(1).max(200), PropertyValue).default({}).describe(
    "s3.endpoint, s3.region, s3.access-key-id, s3.secret-access-key, s3.session-token, " +
      "s3.path-style-access; rest: token, credential, scope, oauth2-server-uri, header.*, prefix, " +
      "rest.sigv4-enabled, rest.signing-name, rest.signing-region; sql: jdbc.catalog-name, token. " +
      "Secrets are shown as a mask; a mask sent back keeps what is stored",
  ),
}).meta({ id: "CatalogConfigInput" });
/** The body as clients write it. */
export type CatalogConfigInput = z.input<typeof CatalogConfigInput>;

/** Where relative parts of a configuration start from. */
export interface ParseConfigOptions {
  /** Absolute; relative database files of sql catalogs lie below it. Null refuses them. */
  readonly dataDir: string | null;
}

/** Checks a body; an `invalid` error with code `catalog_config_invalid` names every bad field. */
export function parseCatalogConfig(body: unknown, options: ParseConfigOptions): CatalogConfig {
  const parsed = CatalogConfigInput.safeParse(body);
  if (!parsed.success) throw configInvalid(parsed.error.issues.flatMap(toFieldIssues));
  const { catalog_type: type, catalog_name: name, warehouse, uri, extra_props } = parsed.data;
  const extraProps = Object.fromEntries(
    Object.entries(extra_props).map(([key, value]) => [key, String(value)]),
  );
  const config = { type, name, warehouse: warehouse ?? null, uri: uri ?? null, extraProps };
  checkCatalogConfig(config, options);
  return config;
}

/** The rules between fields, which hold for a configuration from the environment too. */
export function checkCatalogConfig(config: CatalogConfig, options: ParseConfigOptions): void {
  const issues = [
    ...checkWarehouse(config),
    ...checkUri(config, options),
    ...Object.entries(config.extraProps).flatMap(([name, value]) => checkProperty(name, value)),
  ];
  if (Object.keys(config.extraProps).length > MAX_PROPERTIES) {
    issues.push({ path: "extra_props", message: `Expected at most ${MAX_PROPERTIES} properties` });
  }
  if (issues.length > 0) throw configInvalid(issues);
}

/** The body that {@linkcode parseCatalogConfig} reads as this configuration; secrets included. */
export function toConfigBody(config: CatalogConfig): {
  readonly catalog_type: CatalogType;
  readonly warehouse: string | null;
  readonly catalog_name: string;
  readonly uri: string | null;
  readonly extra_props: Readonly<Record<string, string>>;
} {
  return {
    catalog_type: config.type,
    warehouse: config.warehouse,
    catalog_name: config.name,
    uri: config.uri,
    extra_props: config.extraProps,
  };
}

/** The error of a configuration that cannot be used. */
export function configInvalid(issues: readonly FieldIssue[], cause?: unknown): AppError {
  const message = "Cannot use the catalog configuration";
  return new AppError("invalid", "catalog_config_invalid", message, { issues, cause });
}

/**
 * Whether a folder would open everything on the machine to what a table's metadata names: the whole
 * disk, or the kernel's folders, where the environment and the memory of this process lie.
 */
function isWholeMachine(path: string): boolean {
  const [first, ...rest] = path.split("/").filter((part) => part !== "" && part !== ".");
  return first === undefined || rest.includes("..") || ["..", "proc", "sys", "dev"].includes(first);
}

function checkWarehouse({ type, warehouse }: CatalogConfig): readonly FieldIssue[] {
  const wanted = "Expected an absolute path, or a file: or s3:// location";
  const issue = (message: string) => [{ path: "warehouse", message }];
  const path = warehouse === null ? null : localPath(warehouse);
  if (path !== null && isWholeMachine(path)) {
    return issue("Expected a folder of tables: not the whole disk, /proc, /sys or /dev");
  }
  if (type === "rest") return [];
  if (warehouse === null) return issue(`${wanted}; a ${type} catalog needs it`);
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (/[\x00-\x1f\x7f]/.test(warehouse)) return issue(`${wanted}, without control characters`);
  if (warehouse.split("/").some((segment) => segment === ".." || segment === ".")) {
    return issue(`${wanted}, without "." and ".." segments`);
  }
  if (path !== null) return [];
  if (isS3(warehouse)) {
    return /^s3[an]?:\/\/[^/]+/i.test(warehouse) ? [] : issue("Expected s3://bucket/path");
  }
  const scheme = locationScheme(warehouse);
  if (scheme === null) return issue(`${wanted}; relative paths are not accepted`);
  return issue(`${wanted}; "${scheme}:" storage is not supported`);
}

function checkUri(
  { type, uri }: CatalogConfig,
  options: ParseConfigOptions,
): readonly FieldIssue[] {
  const issue = (message: string) => [{ path: "uri", message }];
  if (type === "hadoop") {
    return uri === null ? [] : issue("Expected null: a hadoop catalog is its warehouse folder");
  }
  if (type === "sql") {
    if (uri === null) {
      return issue("Expected the database: sqlite:////path/catalog.db, for example");
    }
    try {
      parseSqlUri(uri, options);
      return [];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.kind === "unsupported" ? issue(error.message) : error.issues;
    }
  }
  const url = uri !== null && URL.canParse(uri) ? new URL(uri) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return issue('Expected the server\'s http(s) address, the one that "/v1/config" lies below');
  }
  if (url.username !== "" || url.password !== "") {
    return issue('Expected no credentials in it; use extra_props "credential" or "token"');
  }
  return url.search === "" && url.hash === "" ? [] : issue("Expected no query and no fragment");
}

function checkProperty(name: string, value: string): readonly FieldIssue[] {
  const issue = (message: string) => [{ path: `extra_props.${name}`, message }];
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (/[\x00-\x1f\x7f]/.test(name + value)) return issue("Expected no control characters");
  if (name.startsWith("header.") && !/^header\.[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    return issue("Expected header. and an HTTP header's name");
  }
  const isSent = name.startsWith("header.") || name === "token";
  if (isSent && !/^[\x20-\x7e]*$/.test(value)) return issue("Expected ASCII characters only");
  if (name === "uri") return issue('Expected the address in the field "uri", not beside it');
  if (REGION_PROPERTIES.includes(name) && !isRegion(value)) {
    return issue("Expected 1 to 64 letters, digits, underscores or hyphens");
  }
  if (name === "s3.endpoint" || name === "oauth2-server-uri") {
    return checkAddress(name, value).map((message) => ({ path: `extra_props.${name}`, message }));
  }
  if (!isSecretProperty(name) && hasLogin(value)) {
    // Every Auditor may read what is not a secret by its name.
    return issue("Expected no credentials in it");
  }
  const isSwitch = ["s3.path-style-access", "s3.force-virtual-addressing", "rest.sigv4-enabled"];
  if (isSwitch.includes(name) && !/^(true|false)$/i.test(value)) {
    return issue("Expected true or false");
  }
  return [];
}

/** Properties whose value becomes a part of a host name. */
const REGION_PROPERTIES: readonly string[] = ["s3.region", "client.region"];

function hasLogin(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url !== null && (url.username !== "" || url.password !== "");
}

function checkAddress(name: string, value: string): readonly string[] {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return ["Expected an http(s) address"];
  }
  if (hasLogin(value)) return ["Expected no credentials in it"];
  const hasPath = url.pathname !== "/" || url.search !== "" || url.hash !== "";
  return name === "s3.endpoint" && hasPath ? ["Expected an address without a path"] : [];
}

function toFieldIssues(issue: z.core.$ZodIssue): readonly FieldIssue[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key].join("."),
      message: "Unknown field; further properties go into extra_props",
    }));
  }
  // A union's own text is "Invalid input"; and a value is never repeated: it may be a secret.
  const name = path[1];
  const isValue = path[0] === "extra_props" && name !== undefined;
  const secret = isValue && isSecretProperty(name) ? " (a secret)" : "";
  const message = isValue && issue.code === "invalid_union"
    ? `Expected a text${secret} of at most ${MAX_PROPERTY_CHARS} characters, a number or a boolean`
    : issue.message;
  return [{ path: path.join("."), message }];
}
