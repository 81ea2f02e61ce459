/** Properties that steer a REST session, under the names that Java and PyIceberg use. */
import { AppError } from "../errors.ts";

/** Catalog properties: texts by name. */
export type Properties = Readonly<Record<string, string>>;

/** A JSON object as properties: texts; some servers send numbers and booleans. */
export function toProperties(
  values: Readonly<Record<string, unknown>> | null | undefined,
): Properties {
  return Object.fromEntries(
    Object.entries(values ?? {})
      .filter(([, value]) => ["string", "number", "bigint", "boolean"].includes(typeof value))
      .map(([name, value]) => [name, String(value)]),
  );
}

/** How requests are signed for AWS services (Glue, S3 Tables, API Gateway). */
export interface RestSigning {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly service: string;
  readonly region: string;
}

/** The signing that `rest.sigv4-enabled` asks for, or null. */
export function restSigning(properties: Properties, uri: string): RestSigning | null {
  const isAsked = isTrue(properties["rest.sigv4-enabled"]) ||
    properties["rest.auth.type"] === "sigv4";
  if (!isAsked) return null;
  const from = ["rest", "client", "s3"]
    .find((scope) => properties[`${scope}.access-key-id`] !== undefined);
  const accessKeyId = properties[`${from}.access-key-id`];
  const secretAccessKey = properties[`${from}.secret-access-key`];
  const region = properties["rest.signing-region"] ?? properties["client.region"] ??
    properties["s3.region"] ?? /\.([a-z]{2}-[a-z-]+-\d)\.amazonaws\./.exec(uri)?.[1];
  if (accessKeyId === undefined || secretAccessKey === undefined || region === undefined) {
    const message = "Expected rest.access-key-id, rest.secret-access-key and rest.signing-region " +
      "beside rest.sigv4-enabled";
    throw new AppError("invalid", "catalog_config_invalid", "Cannot sign requests to the catalog", {
      issues: [{ path: "extra_props", message }],
    });
  }
  const sessionToken = properties[`${from}.session-token`];
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: properties["rest.signing-name"] ?? "execute-api",
    region,
  };
}

/** Whether a property says yes, as Java reads booleans. */
export function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

/** The separator of namespace levels: `namespace-separator` (URL-encoded), or 0x1F. */
export function namespaceSeparator(properties: Properties): string {
  const configured = properties["namespace-separator"];
  if (configured === undefined || configured === "") return "\x1f";
  try {
    return decodeURIComponent(configured);
  } catch {
    return configured; // Not URL-encoded, against the specification; then it is meant literally.
  }
}
