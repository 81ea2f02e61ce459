/**
 * The demo's folder: filled once, and never found half filled.
 *
 * ```
 * empty ─► demo.lock, locked ─► warehouse/ is filled ─► demo.json
 *               ▲                        │ killed: the lock is free, there is no demo.json
 *               └── warehouse/ goes ◄────┘
 * ```
 *
 * Tables record where they lie, so the warehouse cannot be made elsewhere and moved.
 */
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../lib/errors.ts";
import { defaultWarehouse } from "../../lib/settings.ts";

const LOCK_FILE = "demo.lock";
const MARK_FILE = "demo.json";

const Mark = z.object({ warehouse: z.string(), filled_at: z.string() });

/** Options of {@linkcode prepareFolder}. */
export interface PrepareFolderOptions {
  /** Fills the warehouse, which is an empty folder. */
  readonly fill: (warehouse: string) => Promise<void>;
  readonly nowMs: number;
}

/**
 * Makes sure that the folder holds a filled warehouse, and says whether it had to be filled. Of two
 * that start together one waits for the other. `conflict` where the folder holds something else.
 */
export async function prepareFolder(
  dataDir: string,
  options: PrepareFolderOptions,
): Promise<"filled" | "reused"> {
  await requireOurs(dataDir);
  await Deno.mkdir(dataDir, { recursive: true });
  using lock = await Deno.open(join(dataDir, LOCK_FILE), { create: true, write: true });
  // Let go when the file is closed, and so when the process dies.
  await lock.lock(true);
  const warehouse = defaultWarehouse(dataDir);
  const mark = await readMark(dataDir);
  if (mark !== null) {
    if (mark.warehouse !== warehouse) throw movedFolder(dataDir, mark.warehouse);
    return "reused";
  }
  await removeFolder(warehouse);
  await Deno.mkdir(warehouse);
  await options.fill(warehouse);
  await writeMark(dataDir, {
    warehouse,
    filled_at: new Date(options.nowMs).toISOString(),
  });
  return "filled";
}

/** A folder that is there is empty, or one that a demo began. */
async function requireOurs(dataDir: string): Promise<void> {
  const names = await namesIn(dataDir);
  if (names.length === 0 || names.includes(LOCK_FILE)) return;
  const message = `Cannot fill "${dataDir}" with sample tables: it holds other files. ` +
    "Set DRLS_DATA_DIR to a new folder, or leave it out";
  throw new AppError("conflict", "demo_folder_taken", message);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (!(error instanceof Deno.errors.NotADirectory)) throw error;
    const message = `Cannot fill "${folder}" with sample tables: it is a file. ` +
      "Set DRLS_DATA_DIR to a new folder, or leave it out";
    throw new AppError("conflict", "demo_folder_taken", message, { cause: error });
  }
}

async function readMark(dataDir: string): Promise<z.infer<typeof Mark> | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(join(dataDir, MARK_FILE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return Mark.parse(JSON.parse(text));
}

/** The mark appears as a whole, and after all that it vouches for. */
async function writeMark(dataDir: string, mark: z.infer<typeof Mark>): Promise<void> {
  const temporary = join(dataDir, `.${MARK_FILE}`);
  await Deno.writeTextFile(temporary, JSON.stringify(mark));
  await Deno.rename(temporary, join(dataDir, MARK_FILE));
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function movedFolder(dataDir: string, before: string): AppError {
  const message = `Cannot show the sample tables in "${dataDir}": they were written at ` +
    `"${before}", and tables record where they lie. Remove the folder, and they are written anew`;
  return new AppError("conflict", "demo_folder_moved", message);
}
