/** What jobs may do in a catalog. */
import type { Catalog, CatalogGateway } from "../catalog/mod.ts";

/** The catalog as jobs see it. */
export function gatewayTo(catalog: Catalog): CatalogGateway {
  return {
    locate: (identifier, options) => catalog.locateExactly(identifier, options),
    commit: (identifier, commit, options) => catalog.commit(identifier, commit, options),
    drop: (location, options) => catalog.dropTable(location, options),
  };
}
