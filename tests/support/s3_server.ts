/**
 * Real S3-compatible servers for conformance tests, on loopback, each with a fresh folder. The
 * binaries come from `tests/conformance/peers/install_s3.sh`; where one is missing its tests are
 * shown as ignored, with the reason.
 */
import { AwsClient } from "aws4fetch";
import type { S3StorageSpec } from "../../lib/storage/spec.ts";

/** Servers that tests know how to start. Both verify signatures and honour `If-None-Match`. */
export type S3Peer = "versitygw" | "minio";

/** Where peers are installed. */
const PEERS_DIR = Deno.env.get("DRLS_PEERS_DIR") ?? ".cache/peers";
/** Longest wait for a server to answer. */
const START_TIMEOUT_MS = 30_000;
/** Another process may take the port found free; then another is tried. */
const START_TRIES = 3;

const ACCESS_KEY_ID = "drls-test-key";
const SECRET_ACCESS_KEY = "drls-test/secret+with=odd&chars";
const REGION = "eu-west-1";

/** Buckets are also served as hosts below this domain; no name server knows it. */
export const VIRTUAL_DOMAIN = "s3.drls.test";

/** Options of {@linkcode startS3Server}. */
export interface StartS3ServerOptions {
  /** Folder of an earlier server, to start over the same files. */
  readonly folder?: string;
  /** Port to listen on; any free one if left out. */
  readonly port?: number;
}

/** A running server. */
export interface S3Server extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** A spec that reaches the server; overrides win. */
  spec(overrides?: Partial<S3StorageSpec>): S3StorageSpec;
  /** Sends a signed request past the code under test. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Makes a bucket with a fresh name and returns it. */
  createBucket(): Promise<string>;
  /** Kills the process at once and keeps its folder. */
  kill(): Promise<void>;
}

/** Why a peer cannot be started here, or null. */
export function missingPeer(peer: S3Peer): string | null {
  try {
    Deno.statSync(`${PEERS_DIR}/${peer}`);
    return null;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `no ${peer}, run tests/conformance/peers/install_s3.sh`;
  }
}

/** Starts a peer and waits until it answers. */
export async function startS3Server(
  peer: S3Peer,
  options: StartS3ServerOptions = {},
): Promise<S3Server> {
  const folder = options.folder ?? await Deno.makeTempDir({ prefix: "drls-s3-" });
  for (let tries = 1;; tries++) {
    const port = options.port ?? freePort();
    const process = spawn(peer, { folder, port });
    try {
      await waitUntilReady(port, process);
      return new RunningServer(process, { folder, port });
    } catch (error) {
      await stop(process);
      if (tries === START_TRIES) throw error;
    }
  }
}

class RunningServer implements S3Server {
  readonly port: number;
  readonly folder: string;
  readonly #process: Deno.ChildProcess;
  readonly #client = new AwsClient({
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET_ACCESS_KEY,
    service: "s3",
    region: REGION,
  });

  constructor(process: Deno.ChildProcess, parts: { folder: string; port: number }) {
    this.#process = process;
    this.port = parts.port;
    this.folder = parts.folder;
  }

  spec(overrides: Partial<S3StorageSpec> = {}): S3StorageSpec {
    return {
      kind: "s3",
      endpoint: `http://127.0.0.1:${this.port}`,
      region: REGION,
      pathStyle: true,
      credentials: {
        accessKeyId: ACCESS_KEY_ID,
        secretAccessKey: SECRET_ACCESS_KEY,
        sessionToken: null,
      },
      roots: null,
      ...overrides,
    };
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    return await this.#client.fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  async createBucket(): Promise<string> {
    const bucket = `b-${crypto.randomUUID()}`;
    const response = await this.request(`/${bucket}`, { method: "PUT" });
    const text = await response.text();
    if (!response.ok) throw new Error(`Failed to create a bucket: ${response.status} ${text}`);
    return bucket;
  }

  async kill(): Promise<void> {
    await stop(this.#process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function spawn(peer: S3Peer, at: { folder: string; port: number }): Deno.ChildProcess {
  const { folder, port } = at;
  const address = `127.0.0.1:${port}`;
  const commands: Readonly<Record<S3Peer, readonly string[]>> = {
    versitygw: ["--port", address, "--region", REGION, "--quiet", "--keep-alive", "posix", folder],
    minio: ["server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", folder],
  };
  return new Deno.Command(`${PEERS_DIR}/${peer}`, {
    args: [...commands[peer]],
    env: {
      ROOT_ACCESS_KEY: ACCESS_KEY_ID,
      ROOT_SECRET_KEY: SECRET_ACCESS_KEY,
      MINIO_ROOT_USER: ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: SECRET_ACCESS_KEY,
      VGW_VIRTUAL_DOMAIN: VIRTUAL_DOMAIN,
      MINIO_DOMAIN: VIRTUAL_DOMAIN,
      MINIO_SITE_REGION: REGION,
      MINIO_UPDATE: "off",
      MINIO_CALLHOME_ENABLE: "off",
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function waitUntilReady(port: number, process: Deno.ChildProcess): Promise<void> {
  let hasExited = false;
  process.status.then(() => hasExited = true);
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs && !hasExited) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      await response.body?.cancel();
      // MinIO answers 503 until its disks are formatted.
      if (response.status < 500) return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(hasExited ? "S3 server ended at once" : "S3 server did not answer in time");
}

async function stop(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    // It ended by itself.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  await process.status;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
