/**
 * From catalog properties, under the names that Java and PyIceberg share, to a storage spec.
 *
 * | property | meaning |
 * | --- | --- |
 * | `s3.endpoint` | address of an S3-compatible store; AWS where absent |
 * | `s3.region`, `client.region` | region, `us-east-1` where absent |
 * | `s3.path-style-access` | `true` where the bucket is in the path; the default with an endpoint |
 * | `s3.access-key-id`, `s3.secret-access-key`, `s3.session-token` | credentials; anonymous where absent |
 */
import type { S3StorageSpec, StorageSpec } from "../storage/mod.ts";
import { localPath, locationScheme } from "./_location.ts";
import type { Properties } from "./_rest_properties.ts";

const DEFAULT_REGION = "us-east-1";

/** Where a catalog's tables may lie. */
export interface StorageBounds {
  /** The warehouse, where it is a location; null where it is a name. */
  readonly warehouse: string | null;
  /** Further folders and `s3://` prefixes (`DRLS_STORAGE_ROOTS`). */
  readonly storageRoots: readonly string[];
  /** The catalog's server says where tables lie, so S3 is bounded by the credentials alone. */
  readonly anyS3: boolean;
}

/** The storage that a catalog's tables are read through. */
export function storageFromProperties(properties: Properties, bounds: StorageBounds): StorageSpec {
  const roots = [...(bounds.warehouse === null ? [] : [bounds.warehouse]), ...bounds.storageRoots];
  const local = roots.map(localPath).filter((path) => path !== null);
  const s3 = roots.filter(isS3);
  const usesS3 = s3.length > 0 || (bounds.anyS3 && namesS3(properties));
  return {
    local: local.length === 0 ? null : { kind: "local", roots: local },
    s3: usesS3
      ? s3FromProperties(properties, { base: null, roots: bounds.anyS3 ? null : s3 })
      : null,
  };
}

/** `base` with what a catalog vended for one table; its credentials replace ours whole. */
export function vendStorage(base: StorageSpec, properties: Properties): StorageSpec {
  if (!namesS3(properties)) return base;
  const roots = base.s3?.roots ?? null;
  return { ...base, s3: s3FromProperties(properties, { base: base.s3, roots }) };
}

/** Whether a location is in an S3-compatible store. */
export function isS3(location: string): boolean {
  return ["s3", "s3a", "s3n"].includes(locationScheme(location) ?? "");
}

function namesS3(properties: Properties): boolean {
  return Object.keys(properties).some((key) => key.startsWith("s3.") || key === "client.region");
}

function s3FromProperties(
  properties: Properties,
  from: { readonly base: S3StorageSpec | null; readonly roots: readonly string[] | null },
): S3StorageSpec {
  const { base, roots } = from;
  const endpoint = properties["s3.endpoint"]?.replace(/\/+$/, "") ?? base?.endpoint ?? null;
  const accessKeyId = properties["s3.access-key-id"];
  const secretAccessKey = properties["s3.secret-access-key"];
  const isComplete = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    kind: "s3",
    endpoint,
    region: properties["s3.region"] ?? properties["client.region"] ?? base?.region ??
      DEFAULT_REGION,
    pathStyle: pathStyle(properties) ?? base?.pathStyle ?? endpoint !== null,
    credentials: isComplete
      ? { accessKeyId, secretAccessKey, sessionToken: properties["s3.session-token"] ?? null }
      : base?.credentials ?? null,
    roots,
  };
}

/** Java says path-style, PyIceberg its opposite. */
function pathStyle(properties: Properties): boolean | null {
  const pathStyleAccess = properties["s3.path-style-access"];
  if (pathStyleAccess !== undefined) return pathStyleAccess.toLowerCase() === "true";
  const virtual = properties["s3.force-virtual-addressing"];
  return virtual === undefined ? null : virtual.toLowerCase() !== "true";
}
