/** The REST catalog's LoadTableResult: metadata, configuration and vended credentials. */
import { z } from "zod";
import { AppError, corruptData } from "../errors.ts";
import { type JsonObject, type JsonValue, parseJson } from "../json.ts";
import { type Properties, toProperties } from "./_rest_properties.ts";

/** A parsed answer; `metadata` is yet to be read as table metadata. */
export interface LoadResult {
  /** Null for a table that was staged but never committed. */
  readonly metadataLocation: string | null;
  readonly metadata: JsonValue;
  readonly config: Properties;
  readonly credentials: readonly { readonly prefix: string; readonly config: Properties }[];
}

/** Options of {@linkcode parseLoadResult}. */
export interface ParseLoadResultOptions {
  /** The table's dotted name, for messages. */
  readonly table: string;
  readonly maxBytes: number;
}

const Config = z.record(z.string(), z.unknown()).nullish().transform(toProperties);
/** Everything save `metadata`, which may be huge and is not copied. */
const Envelope = z.object({
  "metadata-location": z.string().min(1).nullish(),
  config: Config,
  "storage-credentials": z.array(z.object({ prefix: z.string(), config: Config })).nullish(),
});

/** Parses the answer; `corrupt_data` where it is not a LoadTableResult. Nothing of it is quoted. */
export function parseLoadResult(bytes: Uint8Array, options: ParseLoadResultOptions): LoadResult {
  const { table } = options;
  const json = parse(bytes, options);
  const envelope = Envelope.safeParse(json);
  if (!envelope.success || !isObject(json) || json["metadata"] === undefined) {
    const at = envelope.error?.issues[0]?.path.join(".") ?? "metadata";
    const message = `Cannot load table "${table}": the catalog's answer is not a LoadTableResult`;
    throw corruptData("load_result_invalid", message, { context: { at } });
  }
  const { config, "storage-credentials": credentials } = envelope.data;
  return {
    metadataLocation: envelope.data["metadata-location"] ?? null,
    metadata: json["metadata"],
    config,
    credentials: credentials ?? [],
  };
}

/**
 * Storage properties for a table at `location`: its configuration, and over it the credentials with
 * the longest prefix of the location. Where there are such credentials, none of `config` are used,
 * so that halves of two pairs never meet.
 */
export function vendedProperties(result: LoadResult, location: string): Properties {
  const wanted = canonical(location);
  const best = result.credentials
    .filter(({ prefix }) => wanted.startsWith(canonical(prefix)))
    .reduce<LoadResult["credentials"][number] | null>(
      (a, b) => a === null || b.prefix.length > a.prefix.length ? b : a,
      null,
    );
  if (best === null) return result.config;
  const ofPair = ["s3.access-key-id", "s3.secret-access-key", "s3.session-token"];
  const kept = Object.entries(result.config).filter(([name]) => !ofPair.includes(name));
  return { ...Object.fromEntries(kept), ...best.config };
}

function canonical(location: string): string {
  return location.replace(/^s3[an]:/i, "s3:");
}

function parse(bytes: Uint8Array, { table, maxBytes }: ParseLoadResultOptions): JsonValue {
  try {
    return parseJson(bytes, { maxBytes });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const reason = cause.kind === "too_large"
      ? `has ${bytes.length} bytes, at most ${maxBytes} are allowed`
      : "is not JSON";
    const message = `Cannot load table "${table}": the catalog's answer ${reason}`;
    throw corruptData("load_result_invalid", message, { cause });
  }
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
