/** The configuration as the state holds it, shared by every instance on that state. */
import { z } from "zod";
import {
  type CatalogConfig,
  CatalogConfigInput,
  maskProperties,
  toConfigBody,
} from "../catalog/mod.ts";
import {
  readStoredValue,
  sql,
  type SqlReader,
  type StoredValueWrite,
  type Transaction,
  writeStoredValue,
} from "../state/mod.ts";
import type { Configuration } from "./schemas.ts";

/** Key of the stored document. */
export const CONFIG_KEY = "catalog";

/** A configuration with the epoch of its row. */
export interface StoredConfig {
  readonly config: CatalogConfig;
  readonly epoch: number;
}

/**
 * Reads the stored configuration, or null. Only its form is checked here: rules between fields may
 * have become stricter since it was stored, and then it must still be shown and replaced.
 */
export async function readStoredConfig(reader: SqlReader): Promise<StoredConfig | null> {
  const stored = await readStoredValue(reader, CONFIG_KEY, { schema: CatalogConfigInput });
  if (stored === null) return null;
  const { catalog_type: type, catalog_name: name, warehouse, uri, extra_props } = stored.value;
  const extraProps = Object.fromEntries(
    Object.entries(extra_props).map(([key, value]) => [key, String(value)]),
  );
  const config = { type, name, warehouse: warehouse ?? null, uri: uri ?? null, extraProps };
  return { config, epoch: stored.epoch };
}

/** The epoch of the stored configuration, 0 where there is none. Much cheaper than reading it. */
export async function readStoredEpoch(reader: SqlReader): Promise<number> {
  const Row = z.object({ epoch: z.int() });
  const [row] = await reader.read(Row, sql`SELECT epoch FROM settings WHERE key = ${CONFIG_KEY}`);
  return row?.epoch ?? 0;
}

/** Stores a configuration, secrets included, if nobody did meanwhile; resolves to its epoch. */
export async function writeStoredConfig(
  tx: Transaction,
  config: CatalogConfig,
  write: Omit<StoredValueWrite, "key" | "value">,
): Promise<number> {
  return await writeStoredValue(tx, { ...write, key: CONFIG_KEY, value: toConfigBody(config) });
}

/** A configuration as it may be shown. */
export function toConfiguration(config: CatalogConfig | null): Configuration {
  if (config === null) {
    return {
      configured: false,
      catalog_type: null,
      warehouse: null,
      catalog_name: null,
      uri: null,
      extra_props: {},
    };
  }
  const extra_props = { ...maskProperties(config.extraProps) };
  return { configured: true, ...toConfigBody(config), extra_props };
}
