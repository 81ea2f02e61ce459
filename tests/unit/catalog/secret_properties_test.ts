import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isSecretProperty, maskProperties, unmaskProperties } from "../../../lib/catalog/mod.ts";
import { Secret } from "../../../lib/secret.ts";

Deno.test("isSecretProperty() knows every secret of Java's and PyIceberg's properties", () => {
  const secrets = [
    "token",
    "credential",
    "jdbc.password",
    "s3.access-key-id",
    "s3.secret-access-key",
    "s3.session-token",
    "client.secret-access-key",
    "rest.access-key-id",
    "rest.session-token",
    "adls.account-key",
    "adls.sas-token",
    "adls.connection-string",
    "adls.connection-string.account.dfs.core.windows.net",
    "gcs.oauth2.token",
    "header.Authorization",
    "header.X-Api-Key",
    "header.X-Anything",
    "apiKey",
    "clientSecret",
    "MY_PASSWORD",
    "authtoken",
  ];
  for (const name of secrets) strictEqual(isSecretProperty(name), true, name);
});

Deno.test("isSecretProperty() leaves open what is needed to understand a configuration", () => {
  const open = [
    "uri",
    "scope",
    "prefix",
    "s3.endpoint",
    "s3.region",
    "client.region",
    "s3.path-style-access",
    "oauth2-server-uri",
    "jdbc.catalog-name",
    "rest.sigv4-enabled",
    "rest.signing-name",
    "rest.auth.type",
    "header.X-Iceberg-Access-Delegation",
    "monkey",
    "author",
  ];
  for (const name of open) strictEqual(isSecretProperty(name), false, name);
});

Deno.test("maskProperties() hides secrets and nothing else", () => {
  deepStrictEqual(maskProperties({ token: "t", "s3.region": "r" }), {
    token: Secret.mask,
    "s3.region": "r",
  });
});

Deno.test("unmaskProperties() keeps the stored secret behind a mask that comes back", () => {
  const stored = { token: "t", "s3.secret-access-key": "s", scope: "x" };
  const sent = { ...maskProperties(stored), "s3.secret-access-key": "new" };
  deepStrictEqual(unmaskProperties(sent, stored), {
    properties: { token: "t", "s3.secret-access-key": "new", scope: "x" },
    unknown: [],
  });
});

Deno.test("unmaskProperties() names a mask with nothing behind it", () => {
  const { unknown } = unmaskProperties({ token: Secret.mask, scope: Secret.mask }, {});
  deepStrictEqual(unknown, ["token"]);
});

Deno.test("unmaskProperties() undoes maskProperties(), whatever the names", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.string()), (stored) => {
    const { properties, unknown } = unmaskProperties(maskProperties(stored), stored);
    deepStrictEqual(Object.entries(properties), Object.entries(stored));
    deepStrictEqual(unknown, []);
  }));
});
