/** What several rules need to know about a source file: where it is, its lines, its comments. */

/** Top-level folders and files of the project, used to find a path inside it. */
const ROOTS = /(?:^|\/)((?:lib|routes|workers|lint|tests|bench)\/.*|[a-z_]+\.ts)$/;

/** Path inside the project with forward slashes, for example `lib/errors.ts`. */
export function projectPath(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  const project = Deno.cwd().replaceAll("\\", "/") + "/";
  if (path.startsWith(project)) return path.slice(project.length);
  return ROOTS.exec(path)?.[1] ?? path;
}

/** The file's name without folders. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** True for files that hold tests: their case names document them. */
export function isTestFile(path: string): boolean {
  return /_(test|bench)\.ts$/.test(path);
}

/** Lines that a range of `text` touches. */
export function countLines(text: string, range: Deno.lint.Range): number {
  return text.slice(range[0], range[1]).split("\n").length;
}

/** True where only blanks stand between a doc comment and `position`. */
export function hasDocBefore(text: string, position: number): boolean {
  const before = text.slice(0, position).replace(/(\s|\/\/ deno-lint-ignore[^\n]*\n)+$/, "");
  if (!before.endsWith("*/")) return false;
  return before.startsWith("/**", before.lastIndexOf("/*"));
}

/** The name that a call's callee ends in: `Error` of `new errors.Error()`; null for other callees. */
export function calleeName(callee: Deno.lint.Node): string | null {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type === "MemberExpression" && callee.property.type === "Identifier") {
    return callee.property.name;
  }
  return null;
}
