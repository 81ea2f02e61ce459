/** The place of a server that is killed and started again, through all its lives. */
import { spawnServer, type StartServerOptions } from "../support/server_process.ts";

/** A process that begins, or has begun, to serve. */
export type Life = Awaited<ReturnType<typeof spawnServer>> & {
  /** Null until it serves. */
  url: string | null;
  /** Its id among the servers over the state; null until it serves. */
  instance: string | null;
};

/** Lines of the log of one life that are kept. */
const KEPT_LINES = 40;

/** See the module. */
export class ServerSlot {
  readonly index: number;
  readonly #options: StartServerOptions & { readonly dataDir: string };
  #life: Life | null = null;
  #serving: Promise<void> = Promise.resolve();
  #complaints: string[] = [];
  #isAsleep = false;

  constructor(index: number, options: StartServerOptions & { readonly dataDir: string }) {
    this.index = index;
    this.#options = options;
  }

  /** The process; null where there is none. */
  get life(): Life | null {
    return this.#life;
  }

  /** Where it takes requests; null where it does not. */
  get url(): string | null {
    return this.#isAsleep ? null : this.#life?.url ?? null;
  }

  /** Lines of the logs that are no everyday ones, the last of each life. */
  get complaints(): readonly string[] {
    return [...this.#complaints, ...complaintsOf(this.#life?.errors() ?? "")];
  }

  /** Starts a process; does not wait until it serves. */
  async begin(): Promise<void> {
    const life: Life = { ...await spawnServer(this.#options), url: null, instance: null };
    this.#life = life;
    this.#serving = serve(life);
    this.#serving.catch(() => {
      // Whoever waits for it hears of it; one that is killed before is not waited for.
    });
  }

  /** Resolves when it serves; starts it where there is none. */
  async ready(): Promise<Life> {
    if (this.#life === null) await this.begin();
    await this.#serving;
    return this.#life!;
  }

  /** Ends the process where it stands. */
  async kill(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    this.#isAsleep = false;
    await life.dispose();
    await this.#serving.catch(() => {
      // It was killed before it served.
    });
    this.#complaints.push(...complaintsOf(life.errors()));
  }

  /** It stands still already, and nobody is to ask it anything until it wakes up. */
  sleep(): void {
    this.#isAsleep = true;
  }

  /** Lets it go on. */
  wake(): void {
    this.#life?.child.kill("SIGCONT");
    this.#isAsleep = false;
  }
}

async function serve(life: Life): Promise<void> {
  const url = await life.firstLine(/listens on (http:\/\/\S+)/);
  const instance = /"message":"Serving".*"instance":"([\w-]+)"/;
  while (!instance.test(life.errors())) await new Promise((resolve) => setTimeout(resolve, 5));
  life.instance = instance.exec(life.errors())?.[1] ?? null;
  life.url = url;
}

function complaintsOf(log: string): readonly string[] {
  const lines = log.split("\n").filter((line) =>
    line !== "" && !line.includes('"level":"info"') && !line.includes('"message":"Health check')
  );
  return lines.slice(-KEPT_LINES);
}
