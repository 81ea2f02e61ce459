/** A server that really listens, a hub to publish to, and clients that watch. */
import type { MonitorBounds, PipelineMetrics } from "../../lib/pipelines/mod.ts";
import type { Services } from "../../routes/mod.ts";
import type { Role } from "../../lib/access/mod.ts";
import { CONFIGURATION_ANSWERS } from "./configuration_answers.ts";
import { createServerFixture } from "./server_fixture.ts";
import { TABLE_ANSWERS } from "./table_answers.ts";

/** Where the monitor is. */
export const MONITOR_PATH = "/api/pipeline/monitor";

const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 5;

/** A running bed; dispose of it to end everything. */
export type MonitorBed = Awaited<ReturnType<typeof openMonitorBed>>;

/** Options of {@linkcode openMonitorBed}. */
export interface MonitorBedOptions {
  readonly bounds?: Partial<MonitorBounds>;
  readonly http?: Partial<Services["http"]>;
}

/** Starts it. */
export async function openMonitorBed({ bounds = {}, http = {} }: MonitorBedOptions = {}) {
  const server = await createServerFixture({
    tables: TABLE_ANSWERS,
    configuration: CONFIGURATION_ANSWERS,
    monitorBounds: bounds,
    http,
  });
  const listener = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, server.fetch);
  const { port } = listener.addr;
  const clients: WatchingClient[] = [];
  return {
    ...server,
    port,
    origin: `http://127.0.0.1:${port}`,
    /** A new user's token. */
    async newToken(name: string, role: Role = "Auditor") {
      await server.access.createUser(server.operator, { name, role });
      const input = { user: name, expires_in_days: 1 };
      const { token, secret } = await server.access.createToken(server.operator, input);
      return { id: token.id, headers: { authorization: `Bearer ${secret.reveal()}` } };
    },
    /** A client that is connected. */
    async watch(headers: Record<string, string>, query = ""): Promise<WatchingClient> {
      const client = new WatchingClient(`ws://127.0.0.1:${port}${MONITOR_PATH}${query}`, headers);
      clients.push(client);
      await client.opened;
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.monitor.close();
      await listener.shutdown();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A client that behaves. */
export class WatchingClient {
  readonly #socket: WebSocket;
  readonly #unread: PipelineMetrics[] = [];
  #wake: (() => void) | null = null;
  /** Resolves once it is connected. */
  readonly opened: Promise<void>;
  /** Resolves at the end, with the code. */
  readonly closed: Promise<number>;

  constructor(url: string, headers: Record<string, string>) {
    this.#socket = new WebSocket(url, { headers });
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<number>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.#socket.addEventListener("open", () => opened.resolve());
    this.#socket.addEventListener("error", (event) => {
      opened.reject(new Error(event instanceof ErrorEvent ? event.message : "Socket failed"));
    });
    this.#socket.addEventListener("message", ({ data }) => {
      this.#unread.push(JSON.parse(data));
      this.#wake?.();
    });
    this.#socket.addEventListener("close", ({ code }) => closed.resolve(code));
  }

  /** The next message. */
  async next(): Promise<PipelineMetrics> {
    for (;;) {
      const message = this.#unread.shift();
      if (message !== undefined) return message;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  /** The next ones, by pipeline and version. */
  async take(count: number): Promise<readonly string[]> {
    const taken: string[] = [];
    while (taken.length < count) {
      const { pipeline_id, version } = await this.next();
      taken.push(`${pipeline_id}@${version}`);
    }
    return taken;
  }

  /** Says something, which nobody asked for. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  /** Leaves. */
  close(): void {
    this.#socket.close();
  }
}

/** Resolves as soon as it holds; what takes too long is an error. */
export async function eventually(holds: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`Never came true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
