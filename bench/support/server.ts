/** A real server process to measure from outside. */

const TOKEN = "bench-bootstrap-token";
const START_TIMEOUT_MS = 20_000;
/** Of the times in `/proc`. */
const TICKS_PER_SECOND = 100;

/** How to start it. */
export interface BenchServerOptions {
  readonly warehouse: string;
  readonly cacheBytes: number;
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running server; disposing stops it and removes its data. */
export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  /** Parsed JSON of a GET; any other status than 200 is an error. */
  get(path: string): Promise<Record<string, unknown>>;
  /** Milliseconds from the request to the last byte of its answer. */
  time(path: string): Promise<number>;
  /** Parsed JSON of a POST; any other status than the one named, 200 by default, is an error. */
  post(path: string, body: unknown, status?: number): Promise<Record<string, unknown>>;
  /** As `post`, of a body of any kind, whose length is told. */
  upload(
    path: string,
    body: Uint8Array<ArrayBuffer>,
    contentType: string,
  ): Promise<Record<string, unknown>>;
  /** Memory now, and the most that there ever was. */
  residentMiB(): Promise<number>;
  peakResidentMiB(): Promise<number>;
  /** Of all its threads since it started, user and system. */
  cpuSeconds(): Promise<number>;
}

/** Starts `deno task start` on a free port with its own data directory. */
export async function startServer(options: BenchServerOptions): Promise<BenchServer> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-bench-data-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      "--allow-ffi",
      "main.ts",
    ],
    env: {
      PORT: "0",
      DRLS_DATA_DIR: dataDir,
      DRLS_WAREHOUSE: options.warehouse,
      DRLS_BOOTSTRAP_TOKEN: TOKEN,
      DRLS_METADATA_CACHE_BYTES: String(options.cacheBytes),
      DRLS_LOG_LEVEL: "error",
      ...options.env,
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const url = await readUrl(child.stdout);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const fetchBody = async (path: string, init: RequestInit = { headers }, status = 200) =>
    await fetchText(url + path, init, status);
  const memoryMiB = async (name: "VmRSS" | "VmHWM") => {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
    return Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  };
  return {
    url,
    get: async (path) => JSON.parse(await fetchBody(path)),
    async time(path) {
      const start = performance.now();
      await fetchBody(path);
      return performance.now() - start;
    },
    async post(path, body, status) {
      const json = { ...headers, "content-type": "application/json" };
      const init = { method: "POST", headers: json, body: JSON.stringify(body) };
      return JSON.parse(await fetchBody(path, init, status));
    },
    async upload(path, body, contentType) {
      const init = { method: "POST", headers: { ...headers, "content-type": contentType }, body };
      return JSON.parse(await fetchBody(path, init));
    },
    residentMiB: () => memoryMiB("VmRSS"),
    peakResidentMiB: () => memoryMiB("VmHWM"),
    async cpuSeconds() {
      const stat = await Deno.readTextFile(`/proc/${child.pid}/stat`);
      // Behind the name in brackets, which may hold anything: user and system time are 14 and 15.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

async function fetchText(
  url: string,
  init: RequestInit,
  status: number,
): Promise<string> {
  const response = await fetch(url, init);
  const body = await response.text();
  if (response.status === status) return body;
  throw new Error(`${init.method ?? "GET"} ${url} answered ${response.status}: ${body}`);
}

/** The URL in the line that the server prints once it listens. */
async function readUrl(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  let text = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream(), { signal })) {
    text += chunk;
    const url = /http:\/\/[\w.:[\]]+/.exec(text)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`The server ended before it listened: ${text}`);
}
