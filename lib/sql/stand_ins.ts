/**
 * Functions that analysts expect of DuckDB and that its WebAssembly build has only in extensions:
 * JSON by path, time-zone arithmetic, the current time. They are macros over a few functions of ours,
 * under the names of the originals.
 *
 * The engine can neither describe nor plan a query that calls functions of ours. For that, other
 * functions of the same types stand in for the stand-ins.
 */
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import { isJson, jsonAt, jsonKeysAt, jsonLengthAt, jsonTextAt, jsonTypeAt } from "./json_path.ts";
import { instantToLocal, localToInstant } from "./time_zone.ts";

/** What the stand-ins depend on. */
export interface StandInOptions {
  /** The query: what it certainly does not call is not defined. */
  readonly sql: string;
  /** `now()` of the whole query, in milliseconds since the epoch. */
  readonly nowMs: number;
  /**
   * What `AT TIME ZONE` is applied to: zoned timestamps become wall-clock times, plain ones instants.
   * Inside the engine the two look alike, so a query over both is refused by name.
   */
  readonly timestamps: ReadonlySet<"zoned" | "plain">;
}

/** Our functions: from a text and an argument to a text. */
const FUNCTIONS: Readonly<Record<string, (text: string, argument: string) => string | null>> = {
  drls_json: jsonAt,
  drls_json_text: jsonTextAt,
  drls_json_type: jsonTypeAt,
  drls_json_keys: jsonKeysAt,
  drls_json_length: (json, path) => jsonLengthAt(json, path)?.toString() ?? null,
  drls_json_valid: (json) => String(isJson(json)),
  drls_local: (micros, zone) => String(instantToLocal(zone, BigInt(micros))),
  drls_instant: (micros, zone) => String(localToInstant(zone, BigInt(micros))),
};

/** Defines the stand-ins for planning: same names and types, no functions of ours. */
export function defineForPlanning(db: DuckDb, options: StandInOptions): void {
  // Nothing that the planner could work out ahead, or it would plan around a result.
  defineMacros(db, options, (_, text, argument) => `concat(${text}, ${argument})`);
}

/** Defines the stand-ins for running, over those for planning if they are there. */
export function defineForRunning(db: DuckDb, options: StandInOptions): void {
  if (!CALLS_JSON.test(options.sql) && !CALLS_TIME.test(options.sql)) return;
  for (const [name, fn] of Object.entries(FUNCTIONS)) {
    db.defineFunction(
      name,
      (text: string | null = null, argument: string | null = null) =>
        text === null || argument === null ? null : fn(text, argument),
    );
  }
  defineMacros(db, options, callOurs);
}

/** Moves `now()` to another moment, in a database where the stand-ins for running are defined. */
export function moveNow(db: DuckDb, options: StandInOptions): void {
  if (CALLS_TIME.test(options.sql)) createMacros(db, timeMacros(options, callOurs));
}

/** Whether a query may ask for the current time. */
export function mayAskForTime(sql: string): boolean {
  return CALLS_TIME.test(sql);
}

const callOurs: Call = (name, text, argument) => `${name}(${text}, ${argument})`;

/**
 * Texts without which a query calls none of the macros for JSON, and for times. Most queries have none of
 * either, and twenty macros take the engine longer than planning.
 */
const CALLS_JSON = /json|->/i;
const CALLS_TIME = /now|today|current|local|transaction|instant|zone/i;

/** SQL that calls one of {@linkcode FUNCTIONS}. */
type Call = (name: string, text: string, argument: string) => string;

function defineMacros(db: DuckDb, options: StandInOptions, call: Call): void {
  const macros = [
    ...(CALLS_JSON.test(options.sql) ? jsonMacros(call) : []),
    ...(CALLS_TIME.test(options.sql) ? timeMacros(options, call) : []),
  ];
  createMacros(db, macros);
}

function createMacros(db: DuckDb, macros: readonly string[]): void {
  if (macros.length === 0) return;
  // In one call: each costs more than what it does.
  db.run(macros.map((macro) => `CREATE OR REPLACE MACRO ${macro}`).join(";\n"));
}

function jsonMacros(call: Call): readonly string[] {
  const at = (name: string) => call(name, "j::VARCHAR", "p::VARCHAR");
  const whole = (name: string) => call(name, "j::VARCHAR", "'$'");
  return [
    ...["json_extract", "json_extract_path"].map((name) => `${name}(j, p) AS ${at("drls_json")}`),
    ...["json_extract_string", "json_extract_path_text", "json_value", '"->>"'].map((name) =>
      `${name}(j, p) AS ${at("drls_json_text")}`
    ),
    `json_exists(j, p) AS ${at("drls_json")} IS NOT NULL`,
    `json_valid(j) AS ${whole("drls_json_valid")} = 'true'`,
    `json_type(j) AS ${whole("drls_json_type")}, (j, p) AS ${at("drls_json_type")}`,
    `json_keys(j) AS ${whole("drls_json_keys")}, (j, p) AS ${at("drls_json_keys")}`,
    `json_array_length(j) AS ${whole("drls_json_length")}::BIGINT, ` +
    `(j, p) AS ${at("drls_json_length")}::BIGINT`,
  ];
}

function timeMacros({ nowMs, timestamps }: StandInOptions, call: Call): readonly string[] {
  const now = `TIMESTAMP '${new Date(nowMs).toISOString().replace("T", " ").replace("Z", "")}'`;
  const shift = (name: string) =>
    `make_timestamp(${call(name, "epoch_us(t)::VARCHAR", "z::VARCHAR")}::BIGINT)`;
  const atTimeZone = shift(timestamps.has("plain") ? "drls_instant" : "drls_local");
  return [
    ...["now", "get_current_timestamp", "transaction_timestamp", "current_localtimestamp"].map(
      (name) => `${name}() AS ${now}`,
    ),
    ...["today", "current_date"].map((name) => `${name}() AS ${now}::DATE`),
    `to_local_time(t, z) AS ${shift("drls_local")}`,
    `to_instant(t, z) AS ${shift("drls_instant")}`,
    ...(timestamps.size > 1 ? [] : [`timezone(z, t) AS ${atTimeZone}`]),
  ];
}
