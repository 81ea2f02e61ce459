/**
 * A TCP proxy on loopback that breaks connections where a test says so: real resets and replies
 * that are really lost, with any server behind it.
 */

/** What becomes of a reply. `lose` drops the connection before the reply, `cut` in its middle. */
export type ReplyPlan = "pass" | "lose" | "cut";

/** A proxy in front of a server on loopback. */
export class FaultyProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #upstreamPort: number;
  readonly #connections = new Set<Deno.Conn>();
  readonly #plans: ReplyPlan[] = [];
  readonly #serving: Promise<void>;

  private constructor(listener: Deno.TcpListener, upstreamPort: number) {
    this.#listener = listener;
    this.#upstreamPort = upstreamPort;
    this.#serving = this.#serve();
  }

  /** Starts a proxy on a free port. */
  static start(upstreamPort: number): Promise<FaultyProxy> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return Promise.resolve(new FaultyProxy(listener, upstreamPort));
  }

  /** Where clients connect. */
  get origin(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** What becomes of the next replies, in order; later ones pass. */
  planReplies(...plans: readonly ReplyPlan[]): void {
    this.#plans.push(...plans);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const pairs: Promise<void>[] = [];
    try {
      for await (const client of this.#listener) pairs.push(this.#join(client));
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    }
    await Promise.all(pairs);
  }

  async #join(client: Deno.Conn): Promise<void> {
    this.#connections.add(client);
    try {
      const upstream = await Deno.connect({ hostname: "127.0.0.1", port: this.#upstreamPort });
      this.#connections.add(upstream);
      // Set by a request's bytes, so that a plan counts replies and not their pieces.
      const state = { awaitsReply: false };
      await Promise.all([
        this.#pump(client, upstream, (bytes) => {
          state.awaitsReply = true;
          return bytes;
        }),
        this.#pump(upstream, client, (bytes) => {
          if (!state.awaitsReply) return bytes;
          state.awaitsReply = false;
          const plan = this.#plans.shift() ?? "pass";
          if (plan === "pass") return bytes;
          return plan === "lose" ? null : bytes.subarray(0, bytes.length - 1);
        }),
      ]);
    } catch (error) {
      if (!isDisconnect(error)) throw error;
      closeQuietly(client);
    }
  }

  /** Copies until an end; bytes that come back shorter, or not at all, end both connections. */
  async #pump(
    from: Deno.Conn,
    to: Deno.Conn,
    alter: (bytes: Uint8Array) => Uint8Array | null,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1_024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        const altered = alter(buffer.subarray(0, count));
        for (let done = 0; altered !== null && done < altered.length;) {
          done += await to.write(altered.subarray(done));
        }
        if (altered === null || altered.length < count) break;
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    } finally {
      for (const connection of [from, to]) closeQuietly(connection);
    }
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!isDisconnect(error)) throw error;
  }
}

function isDisconnect(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted;
}
