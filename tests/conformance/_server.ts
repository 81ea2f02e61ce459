/** The real server in its own process, with the permissions of `deno task start`. */

/** The Admin token of servers that tests start. */
export const ADMIN_TOKEN = "conformance-admin-token";

/** Longest wait for the server to answer. */
const START_TIMEOUT_MS = 60_000;

/** A running server. */
export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The parsed body of a successful GET below `/api`; other answers are an error. */
  get<T>(path: string): Promise<T>;
  /** A GET below `/api` as it comes. */
  fetch(path: string): Promise<Response>;
  /** What the process wrote so far. */
  output(): string;
}

/** Starts a server with a fresh data folder; `env` says which catalog it reads. */
export async function startServer(env: Readonly<Record<string, string>>): Promise<Server> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-conformance-" });
  const [, ...args] = await startCommand();
  const process = new Deno.Command(Deno.execPath(), {
    args,
    clearEnv: true,
    env: {
      ...inherited(["PATH", "HOME", "DENO_DIR", "TMPDIR"]),
      PORT: "0",
      DRLS_DATA_DIR: dataDir,
      DRLS_BOOTSTRAP_TOKEN: ADMIN_TOKEN,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(process);
  const port = await waitForPort(output);
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const request = (path: string) => fetch(`${url}/api${path}`, { headers });
  return {
    url,
    fetch: request,
    async get(path) {
      const response = await request(path);
      const text = await response.text();
      if (!response.ok) throw new Error(`GET ${path} gave ${response.status}: ${text}`);
      return JSON.parse(text);
    },
    output: () => output.text,
    async [Symbol.asyncDispose]() {
      const ended = output.hasExited;
      if (!ended) process.kill("SIGTERM");
      await Promise.all([process.status, output.done]);
      await Deno.remove(dataDir, { recursive: true });
      if (ended) throw new Error(`Server ended by itself: ${output.text.slice(-4000)}`);
    },
  };
}

/** The words of the `start` task. */
async function startCommand(): Promise<readonly string[]> {
  const config = JSON.parse(await Deno.readTextFile("deno.json"));
  return String(config.tasks.start).split(" ");
}

function inherited(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function collect(process: Deno.ChildProcess) {
  const output = { text: "", hasExited: false, done: Promise.resolve() };
  process.status.then(() => output.hasExited = true);
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) output.text += chunk;
  };
  output.done = Promise.all([read(process.stdout), read(process.stderr)]).then(() => {});
  return output;
}

/** The port is in the first URL that the server prints. */
async function waitForPort(
  output: { readonly text: string; readonly hasExited: boolean },
): Promise<string> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs && !output.hasExited) {
    const port = /https?:\/\/[\w.[\]:]+?:(\d+)/.exec(output.text)?.[1];
    if (port !== undefined) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Server ${output.hasExited ? "ended" : "did not start"}: ${output.text}`);
}
