/** The JDBC catalog's two tables, as PyIceberg and Java's JdbcCatalog make them (schema V1). */
import type { SqlClient, SqlQueryOptions } from "./_sql_client.ts";

const CREATE_TABLES = `CREATE TABLE IF NOT EXISTS iceberg_tables (
  catalog_name VARCHAR(255) NOT NULL,
  table_namespace VARCHAR(255) NOT NULL,
  table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000),
  previous_metadata_location VARCHAR(1000),
  iceberg_type VARCHAR(5),
  PRIMARY KEY (catalog_name, table_namespace, table_name)
)`;

const CREATE_NAMESPACES = `CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
  catalog_name VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL,
  property_key VARCHAR(255) NOT NULL,
  property_value VARCHAR(1000) NOT NULL,
  PRIMARY KEY (catalog_name, namespace, property_key)
)`;

/** Makes the catalog's tables in a database that is empty; another one is left as it is. */
export async function createCatalogTables(
  client: SqlClient,
  options: SqlQueryOptions = {},
): Promise<void> {
  if (!await client.isEmpty(options)) return;
  await client.write(CREATE_TABLES, [], options);
  await client.write(CREATE_NAMESPACES, [], options);
}

/** Whether rows say what they are: schema V1. V0 has tables only. */
export async function hasTypeColumn(
  client: SqlClient,
  options: SqlQueryOptions = {},
): Promise<boolean> {
  const sql = "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'";
  return (await client.query(sql, [], options)).length > 0;
}

/** A namespace of a catalog. */
export interface NamespaceKey {
  readonly catalogName: string;
  readonly namespace: string;
}

/** The namespace's `location` property; null where it has none. */
export async function namespaceLocation(
  client: SqlClient,
  key: NamespaceKey,
  options: SqlQueryOptions = {},
): Promise<string | null> {
  const sql = `SELECT property_value FROM iceberg_namespace_properties
    WHERE catalog_name = ? AND namespace = ? AND property_key = 'location'`;
  const value = (await client.query(sql, [key.catalogName, key.namespace], options))[0]?.[0];
  return typeof value === "string" && value !== "" ? value : null;
}

/** Creates the namespace where it has no properties: `exists` is what marks one. */
export async function ensureNamespace(
  client: SqlClient,
  key: NamespaceKey,
  options: SqlQueryOptions = {},
): Promise<void> {
  const sql = `INSERT INTO iceberg_namespace_properties
    (catalog_name, namespace, property_key, property_value)
    SELECT ?1, ?2, 'exists', 'true' WHERE NOT EXISTS (
      SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = ?1 AND namespace = ?2
    )`;
  await client.write(sql, [key.catalogName, key.namespace], options);
}
