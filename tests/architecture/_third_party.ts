/** Third-party modules come through the import map of `deno.json`, at exact versions. */
import type { ImportGraph } from "./_import_graph.ts";

const EXACT = /^npm:\/?(?:@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+(?:-[\w.]+)?(?:\/.*)?$/;

/** Entries of the import map that are not an exact npm version. */
export function findLoosePins(imports: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(imports)
    .filter(([, target]) => !EXACT.test(target))
    .map(([name, target]) => `${name}: ${target}`);
}

/** Imports of modules that the import map does not list. */
export function findUnlisted(
  graph: ImportGraph,
  imports: Readonly<Record<string, string>>,
): readonly string[] {
  const listed = (specifier: string) =>
    Object.keys(imports).some((name) => covers(name, specifier));
  return [...graph].flatMap(([from, edges]) =>
    edges.filter(({ target, specifier }) =>
      target === null && !specifier.startsWith("node:") && !listed(specifier)
    ).map(({ specifier }) => `${from} -> ${specifier}`)
  );
}

/** Entries of the import map that nothing imports. */
export function findUnused(
  graph: ImportGraph,
  imports: Readonly<Record<string, string>>,
): readonly string[] {
  const specifiers = [...graph.values()].flat().map(({ specifier }) => specifier);
  return Object.keys(imports).filter((name) =>
    !specifiers.some((specifier) => covers(name, specifier))
  );
}

function covers(name: string, specifier: string): boolean {
  return specifier === name || specifier.startsWith(name.endsWith("/") ? name : `${name}/`);
}
