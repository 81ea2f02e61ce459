/** Other engines, driven from benchmarks in the same run. */
import { join } from "node:path";

const PEERS = ".cache/peers";

/** A script that takes a task a line and answers each with a line. */
export class PeerScript implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#writer = child.stdin.getWriter();
    this.#reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts a script of `bench/peers` with a peer's Python; null, and a word, where it is missing. */
  static async start(
    peer: "duckdb" | "spark",
    script: string,
    args: readonly string[],
  ): Promise<PeerScript | null> {
    const python = join(PEERS, peer, "bin/python");
    try {
      await Deno.stat(python);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.log(`${peer} is not installed at ${python}: no comparison`);
      return null;
    }
    const started = new PeerScript(
      new Deno.Command(python, {
        args: [`bench/peers/${script}`, ...args],
        env: { PYTHONDONTWRITEBYTECODE: "1" },
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn(),
    );
    await started.#hear("READY");
    return started;
  }

  /** One task. */
  async ask(task: unknown): Promise<Record<string, unknown>> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(task)}\n`));
    return JSON.parse(await this.#hear("RESULT"));
  }

  /** The next line that begins with a word, without it. Engines print much else. */
  async #hear(word: string): Promise<string> {
    while (true) {
      const end = this.#rest.indexOf("\n");
      if (end === -1) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("The peer ended before it answered");
        this.#rest += value;
        continue;
      }
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      if (line.startsWith("ERROR ")) throw new Error(`The peer failed: ${line.slice(6)}`);
      if (line === word || line.startsWith(`${word} `)) return line.slice(word.length + 1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {/* it has ended by itself */});
    while (!(await this.#reader.read()).done);
    await this.#child.status;
  }
}

/** The jar of the Iceberg runtime for Spark. */
export function icebergJar(): string {
  for (const { name } of Deno.readDirSync(`${PEERS}/jars`)) {
    if (name.startsWith("iceberg-spark-runtime")) return join(PEERS, "jars", name);
  }
  throw new Error(`There is no iceberg-spark-runtime in ${PEERS}/jars`);
}
