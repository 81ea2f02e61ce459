/**
 * When a server is killed. Either after a time; or in a window, told by what lies on the disk. For
 * that the server runs in slow motion: it is stopped, its files are looked at, and it goes on for a
 * moment or is killed where it stands. What a kill hit is read from the disk afterwards.
 */
import { join } from "node:path/posix";
import { ask, type KillBed, type KillServer, namesIn, type Place } from "./_kill_bed.ts";
import type { KillRequest } from "./_kill_operations.ts";

/** Windows of an operation, in the order in which they come. */
export const WINDOWS = [
  /** Nothing of it is on the disk. */
  "untouched",
  /** Data files, whole or in the making, and nothing that leads to them. */
  "data",
  /** Manifests or lists too. */
  "metadata",
  /** The next metadata file is written, or about to get its name, and not in force. */
  "unpublished",
  /** The change is in force, and the client has not heard of it. */
  "committed",
  /** Some of the files are gone that the operation deletes. */
  "deleting",
  /** All of them are, and the client has not heard of it. */
  "deleted",
  /** The client has its answer. */
  "answered",
] as const;

/** One of {@linkcode WINDOWS}. */
export type Window = typeof WINDOWS[number];

/** When to kill. */
export type Aim =
  | { readonly kind: "time"; readonly afterMs: number }
  | { readonly kind: "window"; readonly window: Window; readonly newDataFiles: number };

/** A request to kill a server in. */
export interface Strike {
  readonly bed: KillBed;
  readonly place: Place;
  readonly request: KillRequest;
  /** Sent as `Idempotency-Key`. */
  readonly key: string;
  readonly aim: Aim;
  /** Files that the operation deletes, as far as one knows. */
  readonly deletes: number;
}

/** What became of it. */
export interface Hit {
  readonly window: Window;
  /** Null where the client has not heard. */
  readonly reply: Awaited<ReturnType<typeof ask>> | null;
  /** From the request to the answer or the kill. */
  readonly durationMs: number;
  /** Files that are gone. */
  readonly gone: number;
}

/** How long a server in slow motion goes on between two looks. */
const STEP_MS = 1;

/** Sends the request, kills the server, and tells what the kill hit. */
export async function strike(server: KillServer, options: Strike): Promise<Hit> {
  const { bed, place, request, key, aim } = options;
  const eye = new DiskEye(options);
  const startedAt = performance.now();
  let reply: Hit["reply"] = null;
  let endedAt: number | null = null;
  const exchange = ask(server, request.path, { body: request.body, key }).then((got) => {
    reply = got;
  }, (error: unknown) => {
    // The line is cut by the kill; anything else is a bug of the test.
    if (!(error instanceof TypeError)) throw error;
  }).finally(() => endedAt = performance.now());
  const isOver = () => endedAt !== null;
  if (aim.kind === "time") await Promise.race([exchange, pause(aim.afterMs)]);
  else if (aim.window === "answered") await exchange;
  else await stalk(server, { aim, eye, isOver });
  const killedAt = performance.now();
  server.child.kill("SIGKILL");
  await server.child.status;
  await exchange;
  await server.dispose();
  const { window, gone } = eye.look();
  if (bed.pointer(place) === undefined) throw new Error("A dead server holds a lock");
  const durationMs = Math.min(killedAt, endedAt ?? killedAt) - startedAt;
  return { window: reply === null ? window : "answered", reply, durationMs, gone };
}

/** Sends the request, and stops the server in the window; it can go on. */
export async function hold(
  server: KillServer,
  options: Strike & { readonly aim: Aim & { kind: "window" } },
): Promise<{ readonly window: Window; readonly reply: ReturnType<typeof ask> }> {
  const { request, key, aim } = options;
  const eye = new DiskEye(options);
  let isOver = false;
  const reply = ask(server, request.path, { body: request.body, key });
  reply.finally(() => isOver = true).catch(() => {
    // Whoever waits for the reply hears of it.
  });
  await stalk(server, { aim, eye, isOver: () => isOver });
  return { window: eye.look().window, reply };
}

/** Lets the server go on step by step until it stands in the window, or beyond. */
async function stalk(
  server: KillServer,
  { aim, eye, isOver }: {
    readonly aim: Aim & { kind: "window" };
    readonly eye: DiskEye;
    readonly isOver: () => boolean;
  },
): Promise<void> {
  const wanted = WINDOWS.indexOf(aim.window);
  const hasCome = () => {
    const { window, newDataFiles } = eye.look();
    const at = WINDOWS.indexOf(window);
    return at > wanted ||
      at === wanted && (window !== "data" || newDataFiles >= aim.newDataFiles);
  };
  await stepUntil(server, { hasCome, isOver });
}

/**
 * Lets a server go on step by step until `hasCome` is true, for which the server stands still, or
 * `isOver`; whether it stands there.
 */
export async function stepUntil(
  { child }: Pick<KillServer, "child">,
  { hasCome, isOver }: { readonly hasCome: () => boolean; readonly isOver: () => boolean },
): Promise<boolean> {
  while (!isOver()) {
    child.kill("SIGSTOP");
    if (hasCome()) return true;
    child.kill("SIGCONT");
    await pause(STEP_MS);
  }
  return false;
}

/** Reads from the disk how far an operation has come. */
class DiskEye {
  readonly #options: Strike;
  readonly #filesBefore: ReadonlySet<string>;
  readonly #pointerBefore: string | null | undefined;

  constructor(options: Strike) {
    this.#options = options;
    this.#filesBefore = new Set(filesBelow(options.place.folder));
    this.#pointerBefore = options.bed.pointer(options.place);
  }

  look(): { readonly window: Window; readonly newDataFiles: number; readonly gone: number } {
    const { bed, place, deletes } = this.#options;
    const files = filesBelow(place.folder);
    const added = files.filter((file) => !this.#filesBefore.has(file));
    const gone = this.#filesBefore.size - (files.length - added.length);
    const pointer = bed.pointer(place);
    const committed = pointer !== undefined && pointer !== this.#pointerBefore;
    const newDataFiles = added.filter((file) => file.startsWith("data/")).length;
    return { window: windowOf({ added, gone, committed, deletes }), newDataFiles, gone };
  }
}

function windowOf({ added, gone, committed, deletes }: {
  readonly added: readonly string[];
  readonly gone: number;
  readonly committed: boolean;
  readonly deletes: number;
}): Window {
  if (gone > 0) return gone < deletes ? "deleting" : "deleted";
  if (committed) return "committed";
  if (added.some((file) => /\.metadata\.json$/.test(file))) return "unpublished";
  if (added.some((file) => file.startsWith("metadata/"))) return "metadata";
  return added.length > 0 ? "data" : "untouched";
}

/** Files below a folder by their paths in it, whole or in the making. */
export function filesBelow(folder: string, below = ""): string[] {
  const files: string[] = [];
  for (const name of namesIn(join(folder, below))) {
    const path = join(below, name);
    // The hint comes and goes as it is written; it is no part of the table.
    if (name.includes("version-hint.text")) continue;
    if (/\.\w+$/.test(name)) files.push(path);
    else files.push(...filesBelow(folder, path));
  }
  return files;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
