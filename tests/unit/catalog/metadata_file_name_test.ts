import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  hadoopNames,
  highestVersion,
  parseMetadataFileName,
  parseVersionHint,
} from "../../../lib/catalog/metadata_file_name.ts";

const UUID = "43fda1f4-1c96-4376-ad16-91beb71d0759";

Deno.test("parseMetadataFileName() reads every name that real writers use", () => {
  const names: readonly [string, bigint][] = [
    ["v1.metadata.json", 1n],
    ["v12.gz.metadata.json", 12n],
    ["v12.metadata.json.gz", 12n],
    [`00003-${UUID}.metadata.json`, 3n],
    [`00003-${UUID}.gz.metadata.json`, 3n],
    [`00003-${UUID}.metadata.json.gz`, 3n],
    ["00002-legacy-bare-dv.metadata.json", 2n],
    [`1734567890123456789-${UUID}.metadata.json`, 1734567890123456789n],
  ];
  for (const [name, version] of names) {
    deepStrictEqual(parseMetadataFileName(name), { name, version });
  }
});

Deno.test("parseMetadataFileName() passes over what is no version of a table", () => {
  const names = [
    "v3.1.metadata.json",
    "v.metadata.json",
    "vx.metadata.json",
    ".v1.metadata.json.crc",
    "v1.metadata.json.crc",
    "version-hint.text",
    "metadata.json",
    "bad_iceberg_metadata.json",
    `${UUID}.metadata.json`,
    `snap-1-1-${UUID}.avro`,
    "00001-.metadata.json",
    "00001-a/b.metadata.json",
    "v99999999999999999999.metadata.json",
  ];
  for (const name of names) strictEqual(parseMetadataFileName(name), null, name);
});

Deno.test("parseMetadataFileName() takes an uncommitted UUID name for no version even if it starts with digits", () => {
  strictEqual(parseMetadataFileName("12345678-1c96-4376-ad16-91beb71d0759.metadata.json"), null);
  strictEqual(parseMetadataFileName("12345678-1C96-4376-AD16-91BEB71D0759.gz.metadata.json"), null);
});

Deno.test("hadoopNames() are all read back as their version", () => {
  for (const name of hadoopNames(41n)) strictEqual(parseMetadataFileName(name)?.version, 41n);
});

Deno.test("parseVersionHint() reads numbers, stems and file names", () => {
  deepStrictEqual(parseVersionHint("7\n"), { version: 7n, name: null });
  deepStrictEqual(parseVersionHint(" v7 "), { version: 7n, name: null });
  deepStrictEqual(parseVersionHint("00002-legacy-bare-dv"), {
    version: 2n,
    name: "00002-legacy-bare-dv.metadata.json",
  });
  deepStrictEqual(parseVersionHint(`00001-${UUID}`)?.name, `00001-${UUID}.metadata.json`);
  deepStrictEqual(parseVersionHint("v7.gz.metadata.json")?.name, "v7.gz.metadata.json");
});

Deno.test("parseVersionHint() reads nothing from garbage", () => {
  for (const text of ["", "   ", "-1", "1.5", "../../v1", "7 8", "\0", "9".repeat(30), "{}"]) {
    strictEqual(parseVersionHint(text), null, text);
  }
});

Deno.test("parseVersionHint() never throws and never names a path outside the folder", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    strictEqual(parseVersionHint(text)?.name?.includes("/") ?? false, false);
  }));
});

Deno.test("highestVersion() compares numbers, not texts", () => {
  const names = [
    "v9.metadata.json",
    "v10.metadata.json",
    "v3.1.metadata.json",
    "00009-a.metadata.json",
  ];
  deepStrictEqual(highestVersion(names).map((file) => file.name), ["v10.metadata.json"]);
});

Deno.test("highestVersion() returns every file that carries the highest version", () => {
  const names = ["00002-a.metadata.json", "00001-x.metadata.json", "00002-b.metadata.json"];
  deepStrictEqual(highestVersion(names).map((file) => file.name), [
    "00002-a.metadata.json",
    "00002-b.metadata.json",
  ]);
  deepStrictEqual(highestVersion(["version-hint.text"]), []);
});
