/**
 * When two locations are the same file. Tables are written through changing doors (`s3a://` by Spark,
 * `s3://` by us, an alias of a bucket): a comparison of texts alone takes live files for orphans.
 */
import { canonicalScheme, normalizeLocation, parseLocation } from "../../storage/mod.ts";

/** Names that mean the same, each list of names to the one they stand for: `{"a,b": "c"}`. */
export type EqualNames = Readonly<Record<string, string>>;

/** Options of {@linkcode LocationIdentity}. */
export interface LocationIdentityOptions {
  /** Beside `s3a` and `s3n` being `s3`. */
  readonly equalSchemes?: EqualNames;
  readonly equalAuthorities?: EqualNames;
}

/** A location taken apart for comparison. */
export interface IdentifiedLocation {
  /** Scheme and authority, `s3://bucket`; empty for local files. */
  readonly prefix: string;
  readonly path: string;
}

/** Takes locations apart by one set of rules. */
export class LocationIdentity {
  readonly #schemes: ReadonlyMap<string, string>;
  readonly #authorities: ReadonlyMap<string, string>;

  constructor({ equalSchemes = {}, equalAuthorities = {} }: LocationIdentityOptions = {}) {
    this.#schemes = new Map(
      flatten(equalSchemes).map(([from, to]) => [canonicalScheme(from), canonicalScheme(to)]),
    );
    this.#authorities = new Map(flatten(equalAuthorities));
  }

  /** Error: `invalid`/`location_invalid` for what no store could hold. */
  of(location: string): IdentifiedLocation {
    const { scheme, authority, path } = parseLocation(location);
    const named = scheme ?? "file";
    const known = this.#schemes.get(named) ?? named;
    // Disk has no authorities; and dots and doubled slashes, which count in object keys, do not here.
    if (known === "file") return { prefix: "", path: normalizeLocation(location) };
    return { prefix: `${known}://${this.#authorities.get(authority) ?? authority}`, path };
  }
}

function flatten(names: EqualNames): readonly (readonly [string, string])[] {
  return Object.entries(names).flatMap(([list, to]) =>
    list.split(",").map((from) => [from.trim(), to.trim()] as const)
  );
}
