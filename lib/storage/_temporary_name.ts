/**
 * Names of files in the making. A crash may leave one behind: its name says what it is, no listing
 * shows it, and nothing ever refers to it, so it can be removed at leisure.
 */

const PREFIX = ".drls-tmp-";

/** A fresh name, unique without coordination. Hidden, so other engines' listings skip it as well. */
export function temporaryName(): string {
  return `${PREFIX}${crypto.randomUUID()}`;
}

/** Whether a file's name is one of {@linkcode temporaryName}'s. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX);
}
