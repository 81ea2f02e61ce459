/** Catalogs that drls does not speak to directly, and which of ours reaches the same tables. */

const REMEDIES: Readonly<Record<string, string>> = {
  nessie: 'use "rest" with the Iceberg REST address of Nessie: http://host:19120/iceberg',
  glue:
    'use "rest" with the Glue Iceberg REST endpoint https://glue.<region>.amazonaws.com/iceberg' +
    ' and extra_props "rest.sigv4-enabled": "true", "rest.signing-name": "glue"',
  s3tables: 'use "rest" with https://s3tables.<region>.amazonaws.com/iceberg and extra_props ' +
    '"rest.sigv4-enabled": "true", "rest.signing-name": "s3tables"',
  hive: 'use "rest" with the Iceberg REST address of the metastore (Hive 4.1 and Gravitino offer ' +
    'one), or "hadoop" or "sql" over the same warehouse',
  dynamodb:
    'use "rest" with an Iceberg REST server in front of it, or register the tables in "sql"',
  bigquery: 'use "rest" with the Iceberg REST address of BigLake metastore',
  biglake: 'use "rest" with the Iceberg REST address of BigLake metastore',
  snowflake: 'use "rest" with the Iceberg REST address of Snowflake Open Catalog or Horizon',
  unity: 'use "rest" with https://host/api/2.1/unity-catalog/iceberg-rest',
  polaris: 'use "rest" with https://host/api/catalog',
  lakekeeper: 'use "rest" with https://host/catalog',
  gravitino: 'use "rest" with the Iceberg REST address of Gravitino: http://host:9001/iceberg',
  jdbc: 'use "sql"',
  sqlite: 'use "sql"',
  "in-memory": 'use "sql" with a SQLite file',
  memory: 'use "sql" with a SQLite file',
  filesystem: 'use "hadoop"',
};

/** What to say to a `catalog_type` that is none of ours. */
export function otherCatalogRemedy(input: unknown): string {
  const ours = 'Expected "hadoop", "sql" or "rest"';
  if (typeof input !== "string") return ours;
  const name = input.toLowerCase().replace(/[\s_]/g, "-");
  const known = Object.hasOwn(REMEDIES, name) ? name : name.replaceAll("-", "");
  if (!Object.hasOwn(REMEDIES, known)) return ours;
  return `${ours}; "${known}" is not spoken directly: ${REMEDIES[known]}`;
}
