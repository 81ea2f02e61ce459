/** From a configuration to a catalog. Nothing is reached before the first call. */
import { type Clock, systemClock } from "../clock.ts";
import { openStorage } from "../storage/mod.ts";
import { HttpClient, type HttpClientOptions } from "./_http.ts";
import { localPath } from "./_location.ts";
import { restSigning } from "./_rest_properties.ts";
import { type CatalogConfig, checkCatalogConfig } from "./catalog_config.ts";
import { HadoopCatalog } from "./hadoop_catalog.ts";
import type { Catalog } from "./ports.ts";
import { RestCatalog } from "./rest_catalog.ts";
import { SqlCatalog } from "./sql_catalog.ts";
import { parseSqlUri } from "./sql_uri.ts";
import { storageFromProperties } from "./storage_properties.ts";

/** What {@linkcode openCatalog} needs of its surroundings. */
export interface OpenCatalogOptions {
  /** Absolute; relative database files of sql catalogs lie below it. Null refuses them. */
  readonly dataDir: string | null;
  /** Further folders and `s3://` prefixes that tables may lie in (`DRLS_STORAGE_ROOTS`). */
  readonly storageRoots: readonly string[];
  readonly clock?: Clock;
  /** See `HadoopCatalogOptions.listFreshMs`. */
  readonly listFreshMs?: number;
  /** For rest catalogs. */
  readonly http?: HttpClientOptions;
}

/** Opens a catalog; a configuration that cannot be used is `invalid` or `unsupported`. */
export function openCatalog(config: CatalogConfig, options: OpenCatalogOptions): Catalog {
  checkCatalogConfig(config, options);
  const { name, warehouse, uri, extraProps } = config;
  const { storageRoots } = options;
  if (config.type === "rest" && uri !== null) {
    restSigning(extraProps, uri);
    // A rest warehouse is a name, unless it names a place (single-machine servers).
    const place = warehouse !== null && localPath(warehouse) !== null ? warehouse : null;
    const bounds = { warehouse: place, storageRoots, anyS3: true };
    return new RestCatalog({
      name,
      uri,
      warehouse,
      properties: extraProps,
      toStorage: (properties) => storageFromProperties(properties, bounds),
      http: new HttpClient(options.http),
      clock: options.clock ?? systemClock,
    });
  }
  const bounds = { warehouse, storageRoots, anyS3: false };
  const storage = storageFromProperties(extraProps, bounds);
  if (warehouse === null) throw new TypeError("A checked configuration has a uri or a warehouse");
  const io = openStorage(storage);
  const clock = options.clock ?? systemClock;
  if (config.type === "sql" && uri !== null) {
    return new SqlCatalog({
      name,
      catalogName: extraProps["jdbc.catalog-name"] ?? name,
      database: parseSqlUri(uri, options),
      token: extraProps["token"] ?? null,
      storage,
      warehouse,
      io,
      clock,
    });
  }
  const path = localPath(warehouse);
  return new HadoopCatalog({
    name,
    warehouse,
    io,
    storage,
    clock,
    listFreshMs: options.listFreshMs ?? 0,
    ...(path === null ? {} : {
      warehouseExists: () => isFolder(path),
      isFolder: (folder) => isFolder(localPath(folder) ?? folder),
      identify: (folder) => realPath(folder),
    }),
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A folder that vanished is nobody's ancestor. */
async function realPath(folder: string): Promise<string> {
  try {
    return await Deno.realPath(localPath(folder) ?? folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return folder;
    throw error;
  }
}
