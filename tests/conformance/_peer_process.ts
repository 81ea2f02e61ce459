/** A peer's script that is talked to while it runs, line by line. */
import { PEERS_DIR, SCRIPTS_DIR } from "./_peers.ts";

/** A running script. */
export class PeerProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #errors: Promise<string>;
  #rest = "";

  /** Starts a script of `peers/` in the virtual environment of a peer. */
  constructor(
    peer: "pyiceberg" | "spark" | "duckdb" | "websockets",
    script: string,
    args: readonly string[],
  ) {
    this.#process = new Deno.Command(`${PEERS_DIR}/${peer}/bin/python`, {
      args: [`${SCRIPTS_DIR}${script}`, ...args],
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#process.stdin.getWriter();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** Sends one line. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Sends a command as JSON and gives what comes back for it. */
  async ask<T>(command: unknown): Promise<T> {
    await this.tell(JSON.stringify(command));
    const { word, text } = await this.hear("RESULT", "ERROR");
    if (word === "ERROR") throw new Error(`Peer failed: ${JSON.parse(text)}`);
    return JSON.parse(text);
  }

  /** The next line that begins with one of the words, without that word. */
  async hear(
    ...words: readonly string[]
  ): Promise<{ readonly word: string; readonly text: string }> {
    while (true) {
      const line = await this.#line();
      const word = words.find((one) => line === one || line.startsWith(`${one} `));
      if (word !== undefined) return { word, text: line.slice(word.length + 1) };
    }
  }

  async #line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`Peer script ended: ${(await this.#errors).slice(-4000)}`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It ends with its input; what it still prints is read, so that it need not wait.
    await this.#input.close().catch(() => {
      // It has ended by itself.
    });
    while (!(await this.#lines.read()).done);
    await this.#errors;
    await this.#process.status;
  }
}

/** Rows to delete: all that equal the rows of these numbers in these columns. */
export interface EqualityDelete {
  readonly table: string;
  readonly equal: readonly string[];
  readonly ids: readonly number[];
}

/** What a session of Spark has besides. */
export interface SparkOptions {
  /** Options of further catalogs, by their names. */
  readonly catalogs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Of the JVM, besides Spark and Iceberg. */
  readonly classPath?: string;
}

/** A Spark session over a hadoop warehouse. */
export class SparkSession implements AsyncDisposable {
  readonly #process: PeerProcess;

  private constructor(process: PeerProcess) {
    this.#process = process;
  }

  /** Starts one; takes some twenty seconds. */
  static async start(
    warehouse: string,
    jar: string,
    { catalogs = {}, classPath = "" }: SparkOptions = {},
  ): Promise<SparkSession> {
    const args = [warehouse, jar, JSON.stringify(catalogs), classPath];
    const process = new PeerProcess("spark", "spark_sql.py", args);
    await process.hear("READY");
    return new SparkSession(process);
  }

  /** Rows of a statement. */
  async sql(statement: string): Promise<readonly (readonly unknown[])[]> {
    return await this.#process.ask(statement);
  }

  /** Rows of a statement as texts that keep every bit. */
  async exactRows(statement: string): Promise<readonly string[]> {
    return await this.#process.ask([statement]);
  }

  /** Deletes rows as Java does: see `peers/spark_deletes.py`. Gives the rows of each delete file. */
  async equalityDelete(command: EqualityDelete): Promise<readonly number[]> {
    return await this.#process.ask(command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
