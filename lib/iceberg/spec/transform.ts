/** Partition transforms (spec: "Partition Transforms"): their text, and the types they map. */
import { corruptData } from "../../errors.ts";
import type { Type } from "./types.ts";

/** A transform by its spec name. An unrecognised one is kept as text and never pruned on. */
export type Transform =
  | { readonly kind: "identity" | "year" | "month" | "day" | "hour" | "void" }
  | { readonly kind: "bucket"; readonly numBuckets: number }
  | { readonly kind: "truncate"; readonly width: number }
  | { readonly kind: "unknown"; readonly text: string };

const MAX_INT = 2 ** 31 - 1;
const TIMESTAMPS = ["timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns"];
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  bucket: ["int", "long", "decimal", "date", "time", "string", "uuid", "fixed", "binary"]
    .concat(TIMESTAMPS),
  truncate: ["int", "long", "decimal", "string", "binary"],
  year: ["date", ...TIMESTAMPS],
  month: ["date", ...TIMESTAMPS],
  day: ["date", ...TIMESTAMPS],
  hour: TIMESTAMPS,
};

/**
 * Parses a transform as metadata writes it, names in any case as Java takes them. An unknown name is
 * kept (all v3 readers must), a width that is no positive int is `corrupt_data`.
 */
export function parseTransform(text: string): Transform {
  const match = /^(\w+)(?:\[\s*(\d+)\s*\])?$/.exec(text);
  const name = match?.[1]?.toLowerCase();
  const width = match?.[2];
  if (width === undefined) {
    switch (name) {
      case "identity":
      case "year":
      case "month":
      case "day":
      case "hour":
      case "void":
        return { kind: name };
    }
  } else if (name === "bucket") {
    return { kind: name, numBuckets: parseWidth(text, width) };
  } else if (name === "truncate") {
    return { kind: name, width: parseWidth(text, width) };
  }
  return { kind: "unknown", text };
}

/** The text that {@linkcode parseTransform} reads. */
export function formatTransform(transform: Transform): string {
  switch (transform.kind) {
    case "bucket":
      return `bucket[${transform.numBuckets}]`;
    case "truncate":
      return `truncate[${transform.width}]`;
    case "unknown":
      return transform.text;
    default:
      return transform.kind;
  }
}

/** Whether the spec defines `transform` for columns of type `source`. */
export function canTransform(transform: Transform, source: Type): boolean {
  if (transform.kind === "void") return true;
  if (transform.kind === "unknown") return false;
  if (transform.kind !== "identity") return SOURCES[transform.kind]?.includes(source.kind) ?? false;
  return !["struct", "list", "map", "variant", "geometry", "geography"].includes(source.kind);
}

/** The type of partition values; `unknown` where the transform is. */
export function transformResultType(transform: Transform, source: Type): Type {
  switch (transform.kind) {
    case "bucket":
    case "year":
    case "month":
    case "hour":
      return { kind: "int" };
    case "day":
      return { kind: "date" };
    case "unknown":
      return { kind: "unknown" };
    case "identity":
    case "truncate":
    case "void":
      return source;
  }
}

function parseWidth(text: string, digits: string): number {
  const width = Number(digits);
  if (width >= 1 && width <= MAX_INT) return width;
  throw corruptData(
    "invalid_transform",
    `Cannot read transform "${text.slice(0, 64)}": its width is not 1 to ${MAX_INT}`,
  );
}
