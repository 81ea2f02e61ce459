/** Partition transforms (spec: "Partition Transforms"). */

/** A transform by its spec name. An unrecognised one is kept as text and never pruned on. */
export type Transform =
  | { readonly kind: "identity" | "year" | "month" | "day" | "hour" | "void" }
  | { readonly kind: "bucket"; readonly numBuckets: number }
  | { readonly kind: "truncate"; readonly width: number }
  | { readonly kind: "unknown"; readonly text: string };
