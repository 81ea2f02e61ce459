/** `deno task demo` as a process, with the permissions of the task. */

const ROOT = new URL("../..", import.meta.url);
/** Longest wait for what the demo prints; filling takes seconds where nothing else runs. */
const PRINT_TIMEOUT_MS = 120_000;

/** A running demo. */
export interface DemoProcess extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** Standard output so far. */
  output(): string;
  /** Standard error so far. */
  errors(): string;
  /** Waits for something on standard output and gives out the pattern's first group. */
  printed(pattern: RegExp): Promise<string>;
  /** Waits until the process has ended by itself. */
  ended(): Promise<Deno.CommandStatus>;
}

/** Starts the demo in a folder of data, on a free port unless `env` names one. */
export async function startDemo(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<DemoProcess> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [, ...args] = String(tasks.demo).split(" ");
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { PORT: "0", DRLS_DATA_DIR: dataDir, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = async () => {
    const status = await child.status;
    await Promise.all([stdout.done, stderr.done]);
    return status;
  };
  return {
    child,
    output: stdout.text,
    errors: stderr.text,
    ended,
    async printed(pattern) {
      const giveUpAt = performance.now() + PRINT_TIMEOUT_MS;
      for (;;) {
        const found = pattern.exec(stdout.text())?.[1];
        if (found !== undefined) return found;
        if (stdout.hasEnded() || performance.now() > giveUpAt) {
          throw new Error(`The demo printed no ${pattern}: ${stdout.text()}${stderr.text()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        // The demo passes it on to its server.
        child.kill("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It had ended by itself.
      }
      await ended();
    },
  };
}

function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let text = "";
  let hasEnded = false;
  const done = (async () => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) text += chunk;
    hasEnded = true;
  })();
  return { text: () => text, hasEnded: () => hasEnded, done };
}
