/** What the suites against real S3 servers share: one server per peer, started when first needed. */
import { S3FileIo, type S3FileIoOptions } from "../../lib/storage/s3_file_io.ts";
import type { S3StorageSpec } from "../../lib/storage/spec.ts";
import { type S3Peer, type S3Server, startS3Server } from "./s3_server.ts";

/** A peer to test against. */
export interface S3SuiteOptions {
  readonly peer: S3Peer;
  /** Why it cannot be started here; its tests are then shown as ignored. */
  readonly skip: string | null;
}

/** A server with a bucket of the test's own. */
export interface S3TestBed {
  readonly server: S3Server;
  readonly bucket: string;
  /** `s3://bucket/root` */
  readonly root: string;
  /** A store of its own: no state is shared between two of them. */
  open(spec?: Partial<S3StorageSpec>, options?: S3FileIoOptions): S3FileIo;
}

const running = new Map<S3Peer, Promise<S3Server>>();

// A server outlives single tests; it is stopped with the last one of its file.
Deno.test.afterAll(async () => {
  for (const server of running.values()) await (await server)[Symbol.asyncDispose]();
  running.clear();
});

/** The peer's shared server and a fresh bucket. */
export async function openTestBed(peer: S3Peer): Promise<S3TestBed> {
  let starting = running.get(peer);
  if (starting === undefined) {
    starting = startS3Server(peer);
    running.set(peer, starting);
  }
  const server = await starting;
  const bucket = await server.createBucket();
  return {
    server,
    bucket,
    root: `s3://${bucket}/root`,
    open: (spec, options) => new S3FileIo(server.spec(spec), options),
  };
}

/** Registers one test with a bucket of its own. */
export function s3Test(
  options: S3SuiteOptions,
  fact: string,
  body: (bed: S3TestBed) => Promise<void>,
): void {
  Deno.test({
    name: `S3FileIo on ${options.peer} ${fact}`,
    ignore: options.skip !== null,
    // The shared server starts in one test and ends after the last.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await body(await openTestBed(options.peer)),
  });
}
