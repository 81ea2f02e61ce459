/** By what catalogs are told apart: a pipeline goes on in the one that it began with, and in no other. */
import { createHash } from "node:crypto";
import type { CatalogConfig } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { normalizeLocation, withoutTrailingSlashes } from "../storage/mod.ts";

/**
 * A digest of where a catalog is. What it is called, and the properties that it is reached with, may
 * change: it stays the same catalog.
 */
export function catalogKey({ type, name, warehouse, uri, extraProps }: CatalogConfig): string {
  const address = withoutTrailingSlashes(uri ?? "");
  const place = {
    hadoop: () => [withoutTrailingSlashes(normalizeLocation(warehouse ?? ""))],
    // Several may be in one database, each under a name of its own.
    sql: () => [address, extraProps["jdbc.catalog-name"] ?? name],
    rest: () => [address, withoutTrailingSlashes(warehouse ?? "")],
  }[type]();
  return createHash("sha256").update(JSON.stringify([type, ...place])).digest("hex").slice(0, 24);
}

/** What ails a pipeline whose catalog is not the one that is configured now. */
export function catalogChanged(name: string): AppError {
  const message = `Cannot go on: the pipeline's tables are in catalog "${name}" as it was ` +
    "configured when it began, and another catalog is configured now. It goes on when that one is " +
    "configured again. Where this is the same one at another address, forget the pipeline and start it " +
    "with its checkpoint_location: it goes on where its sink says";
  return new AppError("unavailable", "catalog_changed", message, { retryable: true });
}
