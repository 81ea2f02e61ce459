/**
 * 2,000 clients watch 20 pipelines over WebSockets, each published once a second: how late messages
 * come, what it costs the server, and what clients cost that never read. The clients are a process of
 * their own; the pipelines are figures alone, published through the real route.
 *
 * `deno task bench monitor [-- clients seconds]`
 */
import { milliseconds } from "./support/statistics.ts";

const CLIENTS = Number(Deno.args[0] ?? 2_000);
const SECONDS = Number(Deno.args[1] ?? 20);
const PIPELINES = 20;
const STALLED = CLIENTS / 10;
const SAMPLE_MS = 500;
/** Of the times in `/proc`. */
const TICKS_PER_SECOND = 100;

interface ClientFigures {
  readonly connectMs: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The server, as its process shows. */
interface Sample {
  readonly atMs: number;
  readonly residentMiB: number;
  readonly cpuSeconds: number;
}

/** The process that serves. */
class MonitorServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(how: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "bench/support/monitor_server.ts", String(PIPELINES), how],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line<T>(): Promise<T> {
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error("The server ended by itself");
    return JSON.parse(value);
  }

  async residentMiB(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  }

  async cpuSeconds(): Promise<number> {
    const stat = await Deno.readTextFile(`/proc/${this.#child.pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

async function measure(how: "spread" | "together", stalled: number): Promise<void> {
  await using server = new MonitorServer(how);
  const { port, tokens } = await server.line<{ port: number; tokens: string[] }>();
  const before = await server.residentMiB();
  const clients = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "bench/support/monitor_clients.ts",
      ...[port, CLIENTS, stalled, SECONDS].map(String),
      ...tokens,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const samples: Sample[] = [];
  const sampling = setInterval(async () => {
    const [residentMiB, cpuSeconds] = [await server.residentMiB(), await server.cpuSeconds()];
    samples.push({ atMs: performance.now(), residentMiB, cpuSeconds });
  }, SAMPLE_MS);
  const output = clients.output();
  const { stdout } = await output;
  clearInterval(sampling);
  const { connectMs, perSecond, p50, p99, max }: ClientFigures = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const [load = 0] = Deno.loadavg();
  const [half, end] = [samples[samples.length >> 1], samples.at(-1)];
  console.log(
    `${how}, ${stalled} of ${CLIENTS} stalled: ${Math.round(perSecond)} messages/s; delivery p50 ` +
      `${milliseconds(p50)}, p99 ${milliseconds(p99)}, max ${milliseconds(max)}; resident ` +
      `${before} MiB idle, ${half?.residentMiB} halfway, ${end?.residentMiB} at the end; ` +
      `${share(half, end)} % of a processor; connected in ${(connectMs / 1000).toFixed(1)} s; ` +
      `load ${load.toFixed(1)}`,
  );
}

/** Of one processor, between two samples. */
function share(from: Sample | undefined, to: Sample | undefined): number {
  if (from === undefined || to === undefined) return NaN;
  return Math.round((to.cpuSeconds - from.cpuSeconds) / (to.atMs - from.atMs) * 100_000);
}

await measure("spread", 0);
await measure("spread", STALLED);
await measure("together", 0);
