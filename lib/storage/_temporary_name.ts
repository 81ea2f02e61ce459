/**
 * Names of files in the making. A crash may leave one behind: its name says what it is, no listing
 * shows it, and nothing ever refers to it, so it can be removed at leisure.
 */

const PREFIX = ".drls-tmp-";

/** Of the final name so much that the whole stays below what file systems take, 255 bytes. */
const MAX_FINAL_CHARS = 180;

/**
 * A fresh name, unique without coordination. Hidden, so other engines' listings skip it as well.
 * It says what the file was to become, so that a crash's leftovers can be told apart.
 */
export function temporaryName(finalName: string): string {
  const shown = finalName.replaceAll(/[^\w.-]/g, "_").slice(0, MAX_FINAL_CHARS);
  return `${PREFIX}${crypto.randomUUID()}-${shown}`;
}

/** Whether a file's name is one of {@linkcode temporaryName}'s. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX);
}
