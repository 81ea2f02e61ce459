/** A sql catalog in a SQLite file of a test's own. */
import { createClient } from "@libsql/client";
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import { openStorage } from "../../lib/storage/mod.ts";

/** What a test gets. */
export interface SqlCatalogBed {
  /** Holds the file, and the warehouse `wh`. */
  readonly dir: string;
  readonly path: string;
  /** Another instance of the catalog; closed after the test. */
  readonly open: (name?: string) => Catalog;
  /** Runs SQL past the code under test. */
  readonly sql: (statement: string) => Promise<readonly (readonly unknown[])[]>;
}

/** Runs `work` over a database made by `statements`. */
export async function withSqlCatalog(
  statements: readonly string[],
  work: (bed: SqlCatalogBed) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-sql-" });
  await Deno.mkdir(`${dir}/wh`);
  const path = `${dir}/catalog.db`;
  await Deno.writeFile(path, new Uint8Array());
  const catalogs: Catalog[] = [];
  const sql = async (statement: string) => {
    const client = createClient({ url: `file:${path}` });
    try {
      return (await client.execute(statement)).rows.map((row) => Object.values(row));
    } finally {
      client.close();
    }
  };
  const open = (name = "drls") => {
    const uri = `sqlite:///${path}`;
    const config = { type: "sql", name, warehouse: `${dir}/wh`, uri, extraProps: {} } as const;
    const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
    catalogs.push(catalog);
    return catalog;
  };
  try {
    for (const statement of statements) await sql(statement);
    await work({ dir, path, open, sql });
  } finally {
    for (const catalog of catalogs) await catalog.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Every row of every table. */
export const TABLES = "SELECT * FROM iceberg_tables";

/** Files below a local folder, by relative path. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (
    const { location } of openStorage({
      local: { kind: "local", roots: [folder] },
      s3: null,
    }).listRecursive(folder)
  ) files.push(location.slice(folder.length + 1));
  return files.sort();
}
