/**
 * Where files live, as plain data: it crosses to other isolates, where `openStorage` builds a
 * `FileIo` from it. Credentials are plain strings here for that reason; never log one.
 */

/** Local disk. Only locations below one of `roots` (absolute paths) may be touched. */
export interface LocalStorageSpec {
  readonly kind: "local";
  readonly roots: readonly string[];
}

/** An S3-compatible store. */
export interface S3StorageSpec {
  readonly kind: "s3";
  /** `https://host:port`, without a path; null for the AWS endpoint of `region`. */
  readonly endpoint: string | null;
  readonly region: string;
  /** `/bucket/key` rather than `bucket.host/key`. */
  readonly pathStyle: boolean;
  /** Null for anonymous access. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
  } | null;
  /** `s3://bucket/prefix` locations that may be touched; null for any the credentials allow. */
  readonly roots: readonly string[] | null;
}

/** Several stores behind one FileIo, chosen by a location's scheme. */
export interface StorageSpec {
  readonly local: LocalStorageSpec | null;
  readonly s3: S3StorageSpec | null;
}
