import assert from "node:assert/strict";
import { writeSettings } from "../../../../lib/columnar/parquet/mod.ts";

Deno.test("writeSettings() reads a table's properties, and those of deletes before them", () => {
  const properties = {
    "write.parquet.compression-codec": "GZIP",
    "write.parquet.page-size-bytes": "4096",
    "write.delete.parquet.compression-codec": "snappy",
    "write.parquet.dict-encoding-enabled.column.a.b": "false",
    "write.parquet.dict-encoding-enabled.column.c": "true",
    "write.parquet.page-version": "V2",
  };
  const data = writeSettings(properties);
  assert.equal(data.codec, "gzip");
  assert.equal(data.pageSizeBytes, 4096);
  assert.equal(data.pageVersion, "v2");
  assert.deepEqual(data.columnsWithoutDictionary, ["a.b"]);
  assert.deepEqual(data.ignoredProperties, []);
  const deletes = writeSettings(properties, "deletes");
  assert.equal(deletes.codec, "snappy");
  assert.equal(deletes.pageSizeBytes, 4096);
  assert.deepEqual(writeSettings({}), {
    codec: "zstd",
    rowGroupSizeBytes: 134_217_728,
    pageSizeBytes: 1_048_576,
    dictionarySizeBytes: 2_097_152,
    pageVersion: "v1",
    columnsWithoutDictionary: [],
    columnsWithoutStatistics: [],
    ignoredProperties: [],
  });
});

Deno.test("writeSettings() names the properties that have no effect", () => {
  const { codec, pageSizeBytes, ignoredProperties } = writeSettings({
    "write.parquet.compression-codec": "lzo",
    "write.parquet.compression-level": "9",
    "write.parquet.page-size-bytes": "-1",
    "write.parquet.page-row-limit": "100",
    "write.parquet.bloom-filter-enabled.column.a": "true",
    "write.parquet.row-group-size-bytes": "1000",
    "write.delete.parquet.compression-level": "3",
  });
  assert.equal(codec, "zstd");
  assert.equal(pageSizeBytes, 1_048_576);
  assert.deepEqual(ignoredProperties, [
    "write.parquet.bloom-filter-enabled.column.a",
    "write.parquet.compression-codec",
    "write.parquet.compression-level",
    "write.parquet.page-row-limit",
    "write.parquet.page-size-bytes",
  ]);
  assert.deepEqual(
    writeSettings({ "write.parquet.page-row-limit": "20000" }).ignoredProperties,
    [],
  );
});
