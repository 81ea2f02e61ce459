/**
 * The other engines: where they are installed, and how their scripts are run. A test whose peer is
 * missing shows as ignored with the reason; on CI (`CI=true`) it fails instead.
 */

/** Where the install scripts under `peers/` put things. */
export const PEERS_DIR = Deno.env.get("DRLS_PEERS_DIR") ?? `${Deno.cwd()}/.cache/peers`;

/** Where the scripts lie that peers run. */
export const SCRIPTS_DIR = new URL("./peers/", import.meta.url).pathname;

/** A peer by the name of its install script, with a file that is there once it is installed. */
const MARKERS = {
  browser: "chromium",
  pyiceberg: "pyiceberg/.installed",
  duckdb: "duckdb/.installed",
  schemathesis: "schemathesis/.installed",
  spark: "spark/.installed",
  rest_fixture: "rest_fixture/.installed",
  nessie: "jars",
  s3: "minio",
  sqld: "sqld",
  websockets: "websockets/.installed",
} as const;

/** Peers that tests may need. */
export type Peer = keyof typeof MARKERS;

/** What a peer says of one table. Only the fields that are there are compared. */
export interface Figures {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly nullable: boolean;
    readonly comment: string | null;
    readonly id?: number;
  }[];
  readonly format_version: number;
  readonly schema_id: number;
  readonly partition_by: readonly string[];
  readonly sort_order: readonly string[];
  readonly identifier_columns: readonly string[];
  readonly snapshot_count: number;
  readonly current_snapshot_id: string | null;
  readonly snapshots: readonly {
    readonly snapshot_id: string;
    readonly parent_id: string | null;
    readonly operation: string | null;
  }[];
  readonly refs: readonly { readonly name: string; readonly snapshot_id: string }[];
  readonly data_file_count: number;
  readonly total_size_bytes: number;
  readonly record_count: number;
  readonly delete_file_count: number;
  readonly position_delete_files: number;
  readonly deletion_vectors: number;
  readonly equality_delete_files: number;
  readonly position_deleted_rows: number;
  readonly manifest_count: number;
  /** Content (0 data, 1 position, 2 equality), path, spec id, rows, bytes; sorted. */
  readonly files: readonly (readonly [number, string, number, number, number])[];
}

/** What a peer's script prints. */
export interface PeerReport {
  readonly namespaces?: readonly string[];
  readonly tables: Readonly<Record<string, Figures>>;
  /** Reason by table that the peer could not open. */
  readonly unreadable?: Readonly<Record<string, string>>;
}

/** A test that needs peers. */
export function peerTest(
  name: string,
  peers: readonly Peer[],
  options: { readonly fn: (t: Deno.TestContext) => Promise<void> },
): void {
  const missing = peers.filter((peer) => !isInstalled(peer));
  if (missing.length === 0) {
    Deno.test(name, options.fn);
    return;
  }
  const scripts = missing.map((peer) => `tests/conformance/peers/install_${peer}.sh`).join(", ");
  if (Deno.env.get("CI") === "true") {
    Deno.test(name, () => {
      throw new Error(`Peers are missing, run ${scripts}`);
    });
  } else {
    Deno.test({ name: `${name} (skipped: run ${scripts})`, ignore: true, fn: () => {} });
  }
}

/** Runs a script of `peers/` in the virtual environment of a peer and parses what it reports. */
export async function runPeer(
  peer: "pyiceberg" | "spark",
  script: string,
  options: { readonly args: readonly string[]; readonly timeoutMs: number },
): Promise<PeerReport> {
  const { args, timeoutMs } = options;
  const { success, stdout, stderr } = await new Deno.Command(`${PEERS_DIR}/${peer}/bin/python`, {
    args: [`${SCRIPTS_DIR}${script}`, ...args],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  const line = new TextDecoder().decode(stdout).split("\n")
    .find((text) => text.startsWith("FIGURES "));
  if (!success || line === undefined) {
    throw new Error(
      `Peer script ${script} failed: ${new TextDecoder().decode(stderr).slice(-4000)}`,
    );
  }
  return JSON.parse(line.slice("FIGURES ".length));
}

/** A jar that an install script fetched, by the start of its name. */
export function findJar(start: string): string {
  for (const entry of Deno.readDirSync(`${PEERS_DIR}/jars`)) {
    if (entry.name.startsWith(start)) return `${PEERS_DIR}/jars/${entry.name}`;
  }
  throw new Error(`Jar "${start}" is not in ${PEERS_DIR}/jars`);
}

function isInstalled(peer: Peer): boolean {
  try {
    Deno.statSync(`${PEERS_DIR}/${MARKERS[peer]}`);
    if (peer === "nessie") findJar("nessie-quarkus");
    return true;
  } catch {
    return false; // Whatever is wrong with it, the install script puts it right.
  }
}
