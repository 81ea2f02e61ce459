/**
 * Every setting, once: how its text is read, what it means, what it is without being set. The
 * parser, its messages and the README's table are all made from this schema.
 */
import { z } from "zod";
import { LOG_LEVELS } from "./log.ts";
import { Secret } from "./secret.ts";

/** What a person needs to know about a setting. */
export interface SettingMeta {
  readonly description: string;
  /** Completes "expected ...". */
  readonly expected: string;
  /** The default as shown; `unset` where there is none. */
  readonly shownDefault: string;
  readonly secret?: true;
}

/** Smallest body limit: below it no configuration could be stored. */
const MIN_BODY_LIMIT_BYTES = 1024;
const MAX_BODY_LIMIT_BYTES = 1024 ** 3;
const MAX_TIMEOUT_MS = 3_600_000;
const MAX_OPERATION_TIMEOUT_MS = 24 * 3_600_000;
const MIN_JOB_MEMORY_BYTES = 64 * 1024 ** 2;
const MAX_JOB_MEMORY_BYTES = 16 * 1024 ** 3;
/** An engine addresses 4 GiB in all. */
const MAX_QUERY_MEMORY_BYTES = 3 * 1024 ** 3;
const MIN_BOOTSTRAP_TOKEN_CHARS = 16;
const UNIT_BYTES = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const about = z.registry<SettingMeta>();

const whole = (min: number, max: number) =>
  z.string().regex(/^\d{1,15}$/).transform(Number).pipe(z.int().min(min).max(max));

const byteSize = (min: number, max: number) =>
  z.string().regex(/^\d{1,15}\s?(KiB|MiB|GiB)?$/).transform(toBytes).pipe(
    z.int().min(min).max(max),
  );

const secret = (minChars: number) =>
  z.string().min(minChars).regex(/^[\x21-\x7e]+$/).transform((text) => new Secret(text));

const list = (item: z.ZodType<string, string>) =>
  z.string().transform((text) => text.split(",").map((part) => part.trim()).filter(Boolean))
    .pipe(z.array(item));

const httpUrl = z.string().refine((text) => isUrl(text, ["http:", "https:"]));
const origin = httpUrl.refine((text) => URL.canParse(text) && new URL(text).origin === text);
const stateUrl = z.string().refine((text) =>
  text.startsWith("file:") || isUrl(text, ["libsql:", "http:", "https:", "ws:", "wss:"])
);
const location = z.string().refine((text) =>
  text.startsWith("/") || isUrl(text, ["file:", "s3:", "s3a:"])
);
const stringRecord = z.string().transform(parseJsonText)
  .pipe(z.record(z.string(), z.string()));

/** One key for each setting; values are the texts of the environment or of the file. */
export const settingsSchema = z.object({
  HOST: z.string().regex(/^[\w.:%-]+$/).default("127.0.0.1").register(about, {
    description: "Address to listen on",
    expected: "a host name or an IP address without a port",
    shownDefault: "127.0.0.1",
  }),
  PORT: whole(0, 65_535).default(3000).register(about, {
    description: "Port to listen on; 0 picks a free one",
    expected: "a whole number from 0 to 65535",
    shownDefault: "3000",
  }),
  DRLS_CONFIG_FILE: z.string().optional().register(about, {
    description: "JSON file of settings under these same names; the environment wins over it",
    expected: "the path of a JSON file",
    shownDefault: "unset",
  }),
  DRLS_DATA_DIR: z.string().default("./data").register(about, {
    description: "Folder of the state database and of the default warehouse",
    expected: "the path of a folder",
    shownDefault: "./data",
  }),
  DRLS_STATE_URL: stateUrl.optional().register(about, {
    description: "libSQL database of users, tokens, audit and configuration",
    expected: "a file:, libsql:, http:, https:, ws: or wss: URL",
    shownDefault: "state.db in the data directory",
  }),
  DRLS_STATE_AUTH_TOKEN: secret(1).optional().register(about, {
    description: "Token for a remote state database",
    expected: "printable characters without spaces",
    shownDefault: "unset",
    secret: true,
  }),
  DRLS_CATALOG_TYPE: z.enum(["hadoop", "sql", "rest"]).default("hadoop").register(about, {
    description:
      "Type of the catalog; this and the next four hold until PUT /api/config stores others",
    expected: "hadoop, sql or rest",
    shownDefault: "hadoop",
  }),
  DRLS_CATALOG_NAME: z.string().regex(/^[\w-]{1,128}$/).default("drls").register(about, {
    description: "Name of the catalog, the optional first level of table names",
    expected: "1 to 128 letters, digits, underscores or hyphens",
    shownDefault: "drls",
  }),
  DRLS_WAREHOUSE: z.string().optional().register(about, {
    description: "Where the catalog's tables lie: a folder or an s3:// location",
    expected: "a path, or an s3:// location",
    shownDefault: "warehouse in the data directory",
  }),
  DRLS_CATALOG_URI: z.string().optional().register(about, {
    description: "Address of a rest catalog, or the database of a sql catalog",
    expected: "a URL",
    shownDefault: "unset",
  }),
  DRLS_CATALOG_PROPS: stringRecord.optional().register(about, {
    description:
      "Further properties of the catalog, such as s3.endpoint or credential, as a JSON object",
    expected: 'a JSON object of texts, for example {"s3.region": "eu-west-1"}',
    shownDefault: "{}",
    secret: true,
  }),
  DRLS_STORAGE_ROOTS: list(location).default([]).register(about, {
    description: "Further folders and s3:// prefixes that tables may lie in, comma-separated",
    expected: "absolute paths or s3:// locations, comma-separated",
    shownDefault: "the warehouse only",
  }),
  DRLS_AUTH: z.enum(["required", "off"]).default("required").register(about, {
    description: "off lets every caller be an Admin; accepted on loopback only",
    expected: "required or off",
    shownDefault: "required",
  }),
  DRLS_BOOTSTRAP_TOKEN: secret(MIN_BOOTSTRAP_TOKEN_CHARS).optional().register(about, {
    description: "Admin token of a first start, instead of a generated one",
    expected: `at least ${MIN_BOOTSTRAP_TOKEN_CHARS} printable characters without spaces`,
    shownDefault: "generated and printed once",
    secret: true,
  }),
  DRLS_JWT_ISSUER: z.string().optional().register(about, {
    description: "Accept JWTs of this issuer (`iss`); needs the audience and the JWKS URL too",
    expected: "the issuer's identifier, as in the tokens",
    shownDefault: "unset",
  }),
  DRLS_JWT_AUDIENCE: z.string().optional().register(about, {
    description: "Audience (`aud`) that JWTs must name",
    expected: "the audience, as in the tokens",
    shownDefault: "unset",
  }),
  DRLS_JWT_JWKS_URL: httpUrl.optional().register(about, {
    description: "Where the issuer publishes its keys",
    expected: "an http: or https: URL",
    shownDefault: "unset",
  }),
  DRLS_JWT_ROLE_CLAIM: z.string().regex(/^[\x21-\x7e]{1,256}$/).default("role").register(about, {
    description: "Claim that holds the role, dotted for nested ones",
    expected: "the name of a claim",
    shownDefault: "role",
  }),
  DRLS_TRUSTED_PROXIES: whole(0, 10).default(0).register(about, {
    description: "How many reverse proxies stand in front and append to X-Forwarded-For",
    expected: "a whole number from 0 to 10",
    shownDefault: "0",
  }),
  DRLS_CORS_ORIGINS: list(origin).default([]).register(about, {
    description:
      "Origins whose pages may call the API with a bearer token and open WebSockets, comma-separated",
    expected: "origins such as https://app.example.com, comma-separated",
    shownDefault: "none",
  }),
  DRLS_LOG_LEVEL: z.enum(LOG_LEVELS).default("info").register(about, {
    description: "Least severe log level that is written",
    expected: LOG_LEVELS.join(", "),
    shownDefault: "info",
  }),
  DRLS_BODY_LIMIT_BYTES: byteSize(MIN_BODY_LIMIT_BYTES, MAX_BODY_LIMIT_BYTES)
    .default(1024 ** 2).register(about, {
      description: "Largest accepted request body",
      expected: "a size from 1 KiB to 1 GiB, for example 1048576 or 1MiB",
      shownDefault: "1MiB",
    }),
  DRLS_REQUEST_TIMEOUT_MS: whole(100, MAX_TIMEOUT_MS).default(30_000).register(about, {
    description: "How long a request may take before it is answered with 503",
    expected: "a whole number of milliseconds from 100 to 3600000",
    shownDefault: "30000",
  }),
  DRLS_OPERATION_TIMEOUT_MS: whole(100, MAX_OPERATION_TIMEOUT_MS).default(3_600_000).register(
    about,
    {
      description: "How long a table operation may take before it is cancelled",
      expected: "a whole number of milliseconds from 100 to 86400000",
      shownDefault: "3600000",
    },
  ),
  DRLS_SHUTDOWN_MS: whole(0, MAX_TIMEOUT_MS).default(10_000).register(about, {
    description: "How long a stopping server waits for the requests that are under way",
    expected: "a whole number of milliseconds from 0 to 3600000",
    shownDefault: "10000",
  }),
  DRLS_METADATA_CACHE_BYTES: byteSize(0, 64 * 1024 ** 3).default(256 * 1024 ** 2).register(about, {
    description:
      "Memory for parsed table metadata and manifests, all isolates together; a quarter of it is for queries",
    expected: "a size up to 64 GiB, for example 256MiB",
    shownDefault: "256MiB",
  }),
  DRLS_READER_ISOLATES: whole(1, 64).optional().register(about, {
    description: "Isolates that read tables; with 2 or more, one is kept for short answers",
    expected: "a whole number from 1 to 64",
    shownDefault: "2 on one or two cores, otherwise cores - 1, at most 4",
  }),
  DRLS_TABLE_ISOLATES: whole(1, 64).optional().register(about, {
    description: "Isolates that compact, append and maintain; one more is kept for short jobs",
    expected: "a whole number from 1 to 64",
    shownDefault: "one for each core, at most 8",
  }),
  DRLS_JOB_MEMORY_BYTES: byteSize(MIN_JOB_MEMORY_BYTES, MAX_JOB_MEMORY_BYTES)
    .default(512 * 1024 ** 2).register(about, {
      description: "Memory that one table job may use in its isolate",
      expected: "a size from 64 MiB to 16 GiB, for example 512MiB",
      shownDefault: "512MiB",
    }),
  DRLS_QUERY_ISOLATES: whole(1, 64).optional().register(about, {
    description: "Queries that run at a time, each in an isolate of its own",
    expected: "a whole number from 1 to 64",
    shownDefault: "one for each core, at least 2, at most 4",
  }),
  DRLS_QUERY_MEMORY_BYTES: byteSize(MIN_JOB_MEMORY_BYTES, MAX_QUERY_MEMORY_BYTES)
    .default(1024 ** 3).register(about, {
      description: "Memory that one query may use in its isolate",
      expected: "a size from 64 MiB to 3 GiB, for example 1GiB",
      shownDefault: "1GiB",
    }),
  DRLS_MAX_PIPELINES: whole(0, 1_000).default(32).register(about, {
    description: "Pipelines that this server runs at a time; 0 leaves them to other servers",
    expected: "a whole number from 0 to 1000",
    shownDefault: "32",
  }),
  DRLS_PIPELINE_MEMORY_BYTES: byteSize(MIN_JOB_MEMORY_BYTES, MAX_QUERY_MEMORY_BYTES)
    .default(512 * 1024 ** 2).register(about, {
      description: "Memory that one pipeline may use in its isolate",
      expected: "a size from 64 MiB to 3 GiB, for example 512MiB",
      shownDefault: "512MiB",
    }),
  DRLS_CHECKPOINT_ROOTS: list(location).optional().register(about, {
    description: "Folders and s3:// prefixes that checkpoints may lie in, comma-separated",
    expected: "absolute paths or s3:// locations, comma-separated",
    shownDefault:
      "checkpoints in the data directory, the folder for temporary files, the warehouse",
  }),
});

/** A setting's name. */
export type SettingName = keyof typeof settingsSchema.shape;

/** Every setting's name, in the order of the documentation. */
export const SETTING_NAMES = Object.keys(settingsSchema.shape) as readonly SettingName[];

/** What is known about a setting. */
export function settingMeta(name: SettingName): SettingMeta {
  const found = about.get(settingsSchema.shape[name]);
  if (found === undefined) throw new TypeError(`Setting "${name}" has no description`);
  return found;
}

function toBytes(text: string): number {
  const unit = Object.entries(UNIT_BYTES).find(([name]) => text.endsWith(name));
  return parseInt(text, 10) * (unit?.[1] ?? 1);
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Not JSON, so not an object either: the pipe refuses it by the setting's name.
  }
}
