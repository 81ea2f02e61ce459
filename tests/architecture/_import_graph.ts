/**
 * Who imports whom, read from the syntax tree of every module. The parser is the linter's own,
 * driven through a plugin that reports imports instead of problems; it only runs under `deno test`.
 */

/** How a module is reached. */
export type ImportKind =
  /** A static import or re-export that exists when the code runs. */
  | "value"
  /** Gone after type checking. */
  | "type"
  /** `import()`: runs in the same isolate. */
  | "dynamic"
  /** `new Worker(new URL(...))`: runs in another isolate. */
  | "worker";

/** One import of one module. */
export interface Import {
  readonly kind: ImportKind;
  /** As written. */
  readonly specifier: string;
  /** Project path of a relative import; null for third-party and built-in modules. */
  readonly target: string | null;
}

/** Imports by project path of the importing module. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>;

/** Folders and files whose modules make up the project. */
const SOURCES = [
  "lib",
  "migrations",
  "routes",
  "workers",
  "lint",
  "tasks",
  "bench",
  "tests",
  "main.ts",
];

/** Reads the graph of the project that lies in the current folder. */
export async function readImportGraph(): Promise<ImportGraph> {
  const graph = new Map<string, readonly Import[]>();
  for (const source of SOURCES) {
    for await (const path of modulesBelow(source)) {
      graph.set(path, importsOf(path, await Deno.readTextFile(path)));
    }
  }
  return graph;
}

/** A graph of made-up modules: source text by path. */
export function graphOf(modules: Readonly<Record<string, string>>): ImportGraph {
  return new Map(Object.entries(modules).map(([path, text]) => [path, importsOf(path, text)]));
}

/** The imports that one module's text holds. */
export function importsOf(path: string, text: string): readonly Import[] {
  return Deno.lint.runPlugin(importReporter, path, text).map(({ message }) => {
    const [kind, specifier] = JSON.parse(message) as [ImportKind, string];
    return { kind, specifier, target: resolve(path, specifier) };
  });
}

/** Modules that load with `entry` in the same isolate, itself included. */
export function loadedWith(graph: ImportGraph, entry: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const pending = [entry];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const { kind, target } of graph.get(path) ?? []) {
      if (target !== null && (kind === "value" || kind === "dynamic")) pending.push(target);
    }
  }
  return loaded;
}

async function* modulesBelow(path: string): AsyncGenerator<string> {
  const stat = await Deno.stat(path).catch(() => null);
  if (stat?.isFile) {
    yield path;
  } else if (stat?.isDirectory) {
    for await (const entry of Deno.readDir(path)) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory) yield* modulesBelow(child);
      else if (entry.name.endsWith(".ts")) yield child;
    }
  }
}

function resolve(from: string, specifier: string): string | null {
  if (!/^\.\.?\//.test(specifier)) return null;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

const importReporter: Deno.lint.Plugin = {
  name: "imports",
  rules: { report: { create: reportImports } },
};

function reportImports(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const report = (node: Deno.lint.Node, kind: ImportKind, specifier: string) =>
    context.report({ node, message: JSON.stringify([kind, specifier]) });
  return {
    ImportDeclaration(node) {
      const typeOnly = node.importKind === "type" ||
        (node.specifiers.length > 0 &&
          node.specifiers.every((s) => s.type === "ImportSpecifier" && s.importKind === "type"));
      report(node, typeOnly ? "type" : "value", node.source.value);
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return;
      const typeOnly = node.exportKind === "type" ||
        (node.specifiers.length > 0 && node.specifiers.every((s) => s.exportKind === "type"));
      report(node, typeOnly ? "type" : "value", node.source.value);
    },
    ExportAllDeclaration(node) {
      report(node, node.exportKind === "type" ? "type" : "value", node.source.value);
    },
    ImportExpression(node) {
      const { source } = node;
      if (source.type === "Literal" && typeof source.value === "string") {
        report(node, "dynamic", source.value);
      }
    },
    TSImportType(node) {
      const { argument } = node;
      if (argument.type === "TSLiteralType" && argument.literal.type === "Literal") {
        report(node, "type", String(argument.literal.value));
      }
    },
    NewExpression(node) {
      const specifier = moduleUrlOf(node);
      if (specifier !== null) report(node, "worker", specifier);
    },
  };
}

/** `"./x.ts"` of `new URL("./x.ts", import.meta.url)`. */
function moduleUrlOf(node: Deno.lint.NewExpression): string | null {
  if (node.callee.type !== "Identifier" || node.callee.name !== "URL") return null;
  const [path] = node.arguments;
  if (path?.type !== "Literal" || typeof path.value !== "string") return null;
  return /^\.\.?\/.*\.ts$/.test(path.value) ? path.value : null;
}
