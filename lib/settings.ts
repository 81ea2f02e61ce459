/**
 * The settings of one process: read from the environment and an optional file, checked as a whole,
 * once. A wrong one stops the start with a message that names it and says what to do.
 */
import { isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { AppError, type FieldIssue } from "./errors.ts";
import type { LogLevel } from "./log.ts";
import { Secret } from "./secret.ts";
import { SETTING_NAMES, settingMeta, type SettingName, settingsSchema } from "./settings_schema.ts";

/** Where JWTs come from. */
export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly roleClaim: string;
}

/** The catalog of a first start. */
export interface CatalogSettings {
  readonly type: "hadoop" | "sql" | "rest";
  readonly name: string;
  /** An absolute path or an `s3://` location; null where the catalog knows it itself. */
  readonly warehouse: string | null;
  readonly uri: string | null;
  /** May hold credentials: never log it. */
  readonly extraProps: Readonly<Record<string, string>>;
}

/** All settings; folders are absolute. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly stateUrl: string;
  readonly stateAuthToken: Secret | null;
  readonly catalog: CatalogSettings;
  readonly storageRoots: readonly string[];
  readonly auth: "required" | "off";
  readonly bootstrapToken: Secret | null;
  readonly jwt: JwtSettings | null;
  /** Reverse proxies that append to `X-Forwarded-For`; 0 trusts none. */
  readonly trustedProxies: number;
  readonly corsOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly bodyLimitBytes: number;
  readonly requestTimeoutMs: number;
  /** How long one table operation may take. */
  readonly operationTimeoutMs: number;
  readonly shutdownMs: number;
  readonly metadataCacheBytes: number;
  readonly readerIsolates: number;
  /** Isolates for long table jobs; one more is kept for short ones. */
  readonly tableIsolates: number;
  /** Memory that one job may use, in bytes. */
  readonly jobMemoryBytes: number;
  /** Queries that run at a time. */
  readonly queryIsolates: number;
  /** Memory that one query may use, in bytes. */
  readonly queryMemoryBytes: number;
  /** Pipelines that run at a time. */
  readonly maxPipelines: number;
  /** Memory that one pipeline may use, in bytes. */
  readonly pipelineMemoryBytes: number;
  /** Folders and `s3://` prefixes that checkpoints may lie in, beside the warehouse. */
  readonly checkpointRoots: readonly string[];
}

/** What {@linkcode loadSettings} needs of the machine. */
export interface SettingsSource {
  readonly env: Readonly<Record<string, string>>;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  readonly cores: number;
  /** Folder for temporary files. */
  readonly tempDir: string;
  readonly readTextFile: (path: string) => string;
}

/** A setting's text and where it was given. */
interface Given {
  readonly text: string;
  readonly from: string | null;
}

/** One isolate for short answers and one for folds: with a single one, folds would block both. */
const MIN_DEFAULT_READERS = 2;
const MAX_DEFAULT_READERS = 4;
const MAX_DEFAULT_TABLE_ISOLATES = 8;
/** With a single one, a query would wait while the isolate of the one before is replaced. */
const MIN_DEFAULT_QUERIES = 2;
const MAX_DEFAULT_QUERIES = 4;
/** Checkpoints' folder in the data directory: the rest of it belongs to the server alone. */
const CHECKPOINTS = "checkpoints";
/** Most edits between a misspelt name and the suggestion. */
const MAX_SUGGESTION_EDITS = 3;

/**
 * Reads and checks all settings; an `invalid` error with code `invalid_settings` lists everything
 * that is wrong, secrets masked. An empty variable counts as unset.
 */
export function loadSettings(source: SettingsSource): Settings {
  const issues: FieldIssue[] = [];
  const given = gather(source, issues);
  const texts = Object.fromEntries([...given].map(([name, { text }]) => [name, text]));
  const parsed = settingsSchema.safeParse(texts);
  const wrong = new Set(parsed.error?.issues.map((issue) => String(issue.path[0])));
  for (const name of SETTING_NAMES) {
    const value = given.get(name);
    if (wrong.has(name) && value !== undefined) issues.push(wrongValue(name, value));
  }
  if (!parsed.success) throw invalidSettings(issues);
  issues.push(...checkTogether(parsed.data));
  if (issues.length > 0) throw invalidSettings(issues);
  return toSettings(parsed.data, source);
}

/** The settings as a markdown table for the README. */
export function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { description, shownDefault } = settingMeta(name);
    const shown = /[ ,]|unset|none/.test(shownDefault) ? shownDefault : `\`${shownDefault}\``;
    return `| \`${name}\` | ${shown} | ${description} |`;
  });
  return ["| setting | default | meaning |", "| --- | --- | --- |", ...rows].join("\n") + "\n";
}

/** The folder of tables where `DRLS_WAREHOUSE` names none; the server creates it. */
export function defaultWarehouse(dataDir: string): string {
  return join(dataDir, "warehouse");
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function gather(source: SettingsSource, issues: FieldIssue[]): Map<string, Given> {
  const given = new Map<string, Given>();
  const path = source.env.DRLS_CONFIG_FILE ?? "";
  const file = path === "" ? {} : readFile(source, path, issues);
  for (const [name, value] of Object.entries(file)) {
    if (isSetting(name)) given.set(name, { text: toText(value), from: path });
    else issues.push(unknownSetting(name, ` in "${path}"`));
  }
  for (const [name, text] of Object.entries(source.env)) {
    if (isSetting(name) && text !== "") given.set(name, { text, from: null });
    else if (name.startsWith("DRLS_") && !isSetting(name)) issues.push(unknownSetting(name, ""));
  }
  return given;
}

function readFile(
  source: SettingsSource,
  path: string,
  issues: FieldIssue[],
): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(
      JSON.parse(source.readTextFile(resolve(source.cwd, path))),
    );
  } catch (error) {
    // The parser's own text would quote the file, secrets included.
    const reason = error instanceof SyntaxError
      ? "it is not JSON"
      : error instanceof z.ZodError
      ? "it is not a JSON object"
      : `it cannot be read (${error instanceof Error ? error.name : "unknown reason"})`;
    const message = `DRLS_CONFIG_FILE is "${path}", but ${reason}. Correct the file or unset it`;
    issues.push({ path: "DRLS_CONFIG_FILE", message });
    return {};
  }
}

function toText(value: unknown): string {
  if (Array.isArray(value)) return value.map(toText).join(",");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(settingsSchema.shape, name);
}

function wrongValue(name: SettingName, { text, from }: Given): FieldIssue {
  const { expected, shownDefault, secret } = settingMeta(name);
  const shown = secret ? Secret.mask : maskUrl(text);
  const place = from === null ? "" : ` in "${from}"`;
  const message = `${name} is "${shown}"${place}: expected ${expected}. ` +
    `Correct it, or remove it for the default (${shownDefault})`;
  return { path: name, message };
}

/** Hides what a URL may carry beside the address: user, password and query. */
function maskUrl(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/, `//${Secret.mask}@`).replace(/\?.*$/s, `?${Secret.mask}`);
}

function unknownSetting(name: string, place: string): FieldIssue {
  const distances = SETTING_NAMES.map((known) => ({ known, edits: editDistance(name, known) }));
  const nearest = distances.sort((a, b) => a.edits - b.edits)[0];
  const remedy = nearest !== undefined && nearest.edits <= MAX_SUGGESTION_EDITS
    ? `Did you mean ${nearest.known}?`
    : "Remove it";
  return { path: name, message: `${name}${place} is not a setting of drls. ${remedy}` };
}

type Parsed = z.infer<typeof settingsSchema>;

/** Rules over more than one setting. */
function checkTogether(parsed: Parsed): FieldIssue[] {
  const issues: FieldIssue[] = [];
  if (parsed.DRLS_AUTH === "off" && !isLoopback(parsed.HOST)) {
    const message = `DRLS_AUTH is "off" while HOST is "${parsed.HOST}", which other machines ` +
      "can reach. Set DRLS_AUTH=required, or HOST=127.0.0.1 for development";
    issues.push({ path: "DRLS_AUTH", message });
  }
  const jwt = ["DRLS_JWT_ISSUER", "DRLS_JWT_AUDIENCE", "DRLS_JWT_JWKS_URL"] as const;
  const missing = jwt.filter((name) => parsed[name] === undefined);
  if (missing.length > 0 && missing.length < jwt.length) {
    for (const name of missing) {
      const message = `${name} is not set, but JWTs need ${jwt.join(", ")} together. ` +
        "Set it, or remove the others";
      issues.push({ path: name, message });
    }
  }
  if (parsed.DRLS_CATALOG_TYPE !== "hadoop" && parsed.DRLS_CATALOG_URI === undefined) {
    const message = `DRLS_CATALOG_URI is not set, but a catalog of type ` +
      `"${parsed.DRLS_CATALOG_TYPE}" needs it. Set it to the catalog's address`;
    issues.push({ path: "DRLS_CATALOG_URI", message });
  }
  return issues;
}

function toSettings(parsed: Parsed, source: SettingsSource): Settings {
  const dataDir = resolve(source.cwd, parsed.DRLS_DATA_DIR);
  const { DRLS_JWT_ISSUER: issuer, DRLS_JWT_AUDIENCE: audience } = parsed;
  const jwksUrl = parsed.DRLS_JWT_JWKS_URL;
  return {
    host: parsed.HOST,
    port: parsed.PORT,
    dataDir,
    stateUrl: parsed.DRLS_STATE_URL ?? `file:${join(dataDir, "state.db")}`,
    stateAuthToken: parsed.DRLS_STATE_AUTH_TOKEN ?? null,
    catalog: {
      type: parsed.DRLS_CATALOG_TYPE,
      name: parsed.DRLS_CATALOG_NAME,
      warehouse: warehouseOf(parsed, { dataDir, cwd: source.cwd }),
      uri: parsed.DRLS_CATALOG_URI ?? null,
      extraProps: parsed.DRLS_CATALOG_PROPS ?? {},
    },
    storageRoots: parsed.DRLS_STORAGE_ROOTS,
    auth: parsed.DRLS_AUTH,
    bootstrapToken: parsed.DRLS_BOOTSTRAP_TOKEN ?? null,
    jwt: issuer === undefined || audience === undefined || jwksUrl === undefined
      ? null
      : { issuer, audience, jwksUrl, roleClaim: parsed.DRLS_JWT_ROLE_CLAIM },
    trustedProxies: parsed.DRLS_TRUSTED_PROXIES,
    corsOrigins: parsed.DRLS_CORS_ORIGINS,
    logLevel: parsed.DRLS_LOG_LEVEL,
    bodyLimitBytes: parsed.DRLS_BODY_LIMIT_BYTES,
    requestTimeoutMs: parsed.DRLS_REQUEST_TIMEOUT_MS,
    operationTimeoutMs: parsed.DRLS_OPERATION_TIMEOUT_MS,
    shutdownMs: parsed.DRLS_SHUTDOWN_MS,
    metadataCacheBytes: parsed.DRLS_METADATA_CACHE_BYTES,
    readerIsolates: parsed.DRLS_READER_ISOLATES ??
      Math.max(MIN_DEFAULT_READERS, Math.min(MAX_DEFAULT_READERS, source.cores - 1)),
    tableIsolates: parsed.DRLS_TABLE_ISOLATES ??
      Math.max(1, Math.min(MAX_DEFAULT_TABLE_ISOLATES, source.cores)),
    jobMemoryBytes: parsed.DRLS_JOB_MEMORY_BYTES,
    queryIsolates: parsed.DRLS_QUERY_ISOLATES ??
      Math.max(MIN_DEFAULT_QUERIES, Math.min(MAX_DEFAULT_QUERIES, source.cores)),
    queryMemoryBytes: parsed.DRLS_QUERY_MEMORY_BYTES,
    maxPipelines: parsed.DRLS_MAX_PIPELINES,
    pipelineMemoryBytes: parsed.DRLS_PIPELINE_MEMORY_BYTES,
    checkpointRoots: parsed.DRLS_CHECKPOINT_ROOTS ??
      [join(dataDir, CHECKPOINTS), source.tempDir],
  };
}

/** A rest catalog knows its warehouse; the others default to a folder of the data directory. */
function warehouseOf(parsed: Parsed, from: { dataDir: string; cwd: string }): string | null {
  const given = parsed.DRLS_WAREHOUSE;
  if (given === undefined) {
    return parsed.DRLS_CATALOG_TYPE === "rest" ? null : defaultWarehouse(from.dataDir);
  }
  // For rest it is a name that only the catalog understands.
  const opaque = parsed.DRLS_CATALOG_TYPE === "rest" || /^[a-z][a-z0-9+.-]*:/i.test(given);
  return opaque || isAbsolute(given) ? given : resolve(from.cwd, given);
}

function invalidSettings(issues: readonly FieldIssue[]): AppError {
  const lines = issues.map(({ message }) => `  ${message}`).join("\n");
  const count = issues.length === 1 ? "1 setting is" : `${issues.length} settings are`;
  return new AppError("invalid", "invalid_settings", `Cannot start: ${count} wrong\n${lines}`, {
    issues,
  });
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
