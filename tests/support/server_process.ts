/** The server as a process of its own, as an operator starts it. */

/** Options of {@linkcode startServer}. */
export interface StartServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Kept after the process, for a second start; a new folder without it. */
  readonly dataDir?: string;
}

/** A started process and what it wrote so far. */
export type ServerProcess = Awaited<ReturnType<typeof startServer>>;

const ROOT = new URL("../..", import.meta.url);
const START_TIMEOUT_MS = 30_000;

/** Starts the server with the permissions of the `start` task and waits until it listens. */
export async function startServer(options: StartServerOptions = {}) {
  const server = await spawnServer(options);
  const url = await server.firstLine(/listens on (http:\/\/\S+)/);
  const token = /shown this once: (\S+)/.exec(server.output())?.[1] ?? null;
  return { ...server, url, token };
}

/** Starts the server without waiting for anything. */
export async function spawnServer(options: StartServerOptions = {}) {
  const dataDir = options.dataDir ?? await Deno.makeTempDir({ prefix: "drls-process-" });
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const permissions = String(config.tasks.start).split(" ").filter((w) => w.startsWith("--allow"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", ...permissions, "main.ts"],
    cwd: ROOT,
    clearEnv: true,
    env: { ...inherited(), PORT: "0", DRLS_DATA_DIR: dataDir, ...options.env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  let disposed = false;
  return {
    child,
    dataDir,
    output: () => stdout.text(),
    errors: () => stderr.text(),
    /** Waits for a line on standard output and returns the pattern's first group. */
    async firstLine(pattern: RegExp): Promise<string> {
      const giveUpAt = performance.now() + START_TIMEOUT_MS;
      for (;;) {
        const found = pattern.exec(stdout.text())?.[1];
        // All lines of the start are one write.
        if (found !== undefined && stdout.text().endsWith("\n")) return found;
        if (stdout.ended() || performance.now() > giveUpAt) {
          throw new Error(`No line ${pattern}: ${stdout.text()}${stderr.text()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    /** Ends the process, waits for it and removes its folder. */
    async dispose(): Promise<Deno.CommandStatus> {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It had ended by itself.
      }
      const status = await child.status;
      await Promise.all([stdout.done, stderr.done]);
      if (options.dataDir === undefined && !disposed) {
        await Deno.remove(dataDir, { recursive: true });
      }
      disposed = true;
      return status;
    },
  };
}

function collect(stream: ReadableStream<Uint8Array>) {
  let text = "";
  let ended = false;
  const done = (async () => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) text += chunk;
    ended = true;
  })();
  return { text: () => text, ended: () => ended, done };
}

/** Without what only tests know: the server refuses settings that it does not. */
function inherited(): Record<string, string> {
  const { DRLS_PEERS_DIR: _, ...env } = Deno.env.toObject();
  return env;
}
