import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { storageFromProperties, vendStorage } from "../../../lib/catalog/storage_properties.ts";

const KEYS = { "s3.access-key-id": "id", "s3.secret-access-key": "secret" };

const bounds = (warehouse: string | null, storageRoots: readonly string[] = []) => ({
  warehouse,
  storageRoots,
  anyS3: false,
});

Deno.test("storageFromProperties() opens the warehouse and the further roots, by kind", () => {
  const roots = ["/more", "s3://bucket/p"];
  const storage = storageFromProperties(KEYS, bounds("file:///wh/", roots));
  deepStrictEqual(storage.local, { kind: "local", roots: ["/wh", "/more"] });
  deepStrictEqual(storage.s3?.roots, ["s3://bucket/p"]);
  const remote = storageFromProperties(KEYS, bounds("s3a://lake/wh"));
  strictEqual(remote.local, null);
  deepStrictEqual(remote.s3?.roots, ["s3a://lake/wh"]);
});

Deno.test("storageFromProperties() opens no store that nothing lies in", () => {
  deepStrictEqual(storageFromProperties(KEYS, bounds("/wh")).s3, null);
  deepStrictEqual(storageFromProperties({}, bounds(null)), { local: null, s3: null });
});

Deno.test("storageFromProperties() bounds S3 by the credentials alone where the server places tables", () => {
  const rest = { ...bounds("/wh"), anyS3: true };
  strictEqual(storageFromProperties(KEYS, rest).s3?.roots, null);
  strictEqual(storageFromProperties({}, rest).s3, null);
  deepStrictEqual(storageFromProperties({}, rest).local?.roots, ["/wh"]);
});

Deno.test("storageFromProperties() reads S3 properties of Java and PyIceberg", () => {
  const s3 = (properties: Record<string, string>) =>
    storageFromProperties(properties, bounds("s3://b")).s3;
  strictEqual(s3({})?.credentials, null);
  strictEqual(s3({ "s3.access-key-id": "half" })?.credentials, null);
  deepStrictEqual(s3({ ...KEYS, "s3.session-token": "t" })?.credentials, {
    accessKeyId: "id",
    secretAccessKey: "secret",
    sessionToken: "t",
  });
  strictEqual(s3({})?.region, "us-east-1");
  strictEqual(s3({ "client.region": "a", "s3.region": "b" })?.region, "b");
  strictEqual(s3({})?.pathStyle, false);
  strictEqual(s3({ "s3.endpoint": "http://x" })?.pathStyle, true);
  strictEqual(s3({ "s3.endpoint": "http://x", "s3.path-style-access": "FALSE" })?.pathStyle, false);
  strictEqual(s3({ "s3.force-virtual-addressing": "false" })?.pathStyle, true);
});

Deno.test("vendStorage() changes nothing where nothing was vended", () => {
  const base = storageFromProperties(KEYS, bounds("s3://b"));
  strictEqual(vendStorage(base, { "write.format": "x" }), base);
});

Deno.test("vendStorage() keeps our keys where only an address was vended", () => {
  const base = storageFromProperties({ ...KEYS, "s3.region": "r" }, bounds("s3://b"));
  const { s3 } = vendStorage(base, { "s3.endpoint": "http://y" });
  deepStrictEqual([s3?.endpoint, s3?.region, s3?.credentials?.accessKeyId], [
    "http://y",
    "r",
    "id",
  ]);
});
