import assert from "node:assert/strict";
import type { CatalogConfig } from "../../../lib/catalog/mod.ts";
import { catalogKey } from "../../../lib/pipelines/_catalog_key.ts";

const HADOOP: CatalogConfig = {
  type: "hadoop",
  name: "drls",
  warehouse: "/srv/lake",
  uri: null,
  extraProps: {},
};
const SQL: CatalogConfig = { ...HADOOP, type: "sql", uri: "sqlite:////srv/catalog.db" };
const REST: CatalogConfig = {
  ...HADOOP,
  type: "rest",
  warehouse: "prod",
  uri: "https://c.example",
};

Deno.test("catalogKey() is the same for the same catalog, however it is reached and called", () => {
  const cases: readonly (readonly [CatalogConfig, Partial<CatalogConfig>])[] = [
    [HADOOP, { name: "renamed" }],
    [HADOOP, { warehouse: "/srv/lake/" }],
    [HADOOP, { warehouse: "file:///srv/lake" }],
    [{ ...HADOOP, warehouse: "s3://lake/a" }, { warehouse: "s3a://lake/a/" }],
    [HADOOP, { extraProps: { "s3.secret-access-key": "rotated" } }],
    [SQL, { warehouse: "/srv/elsewhere" }],
    [SQL, { name: "renamed", extraProps: { "jdbc.catalog-name": "drls" } }],
    [REST, { name: "renamed", uri: "https://c.example/" }],
    [REST, { extraProps: { token: "rotated" } }],
  ];
  for (const [config, more] of cases) {
    assert.equal(catalogKey({ ...config, ...more }), catalogKey(config), JSON.stringify(more));
  }
});

Deno.test("catalogKey() tells catalogs apart", () => {
  const all = [
    HADOOP,
    { ...HADOOP, warehouse: "/srv/lake2" },
    { ...HADOOP, warehouse: "s3://srv/lake" },
    SQL,
    { ...SQL, name: "other" },
    { ...SQL, uri: "sqlite:////srv/other.db" },
    REST,
    { ...REST, warehouse: "test" },
    { ...REST, warehouse: null },
    { ...REST, uri: "https://d.example" },
  ];
  assert.equal(new Set(all.map(catalogKey)).size, all.length);
});
