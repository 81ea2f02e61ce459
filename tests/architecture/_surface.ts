/** What the leaves and the doors of `lib` export, as text: a change of surface is a visible line. */

/** Exported names of a module, sorted; types are marked. */
export function exportsOf(path: string, text: string): readonly string[] {
  const found = Deno.lint.runPlugin(exportReporter, path, text).map(({ message }) => message);
  return [...new Set(found)].sort();
}

/** The surface of `lib` in the current folder. */
export async function describeSurface(): Promise<string> {
  const lines: string[] = [];
  for (const path of await doors()) {
    const names = exportsOf(path, await Deno.readTextFile(path));
    lines.push(path, ...names.map((name) => `  ${name}`));
  }
  return lines.join("\n") + "\n";
}

async function doors(): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir("lib")) {
    if (!isDirectory && name.endsWith(".ts")) paths.push(`lib/${name}`);
    if (isDirectory && name !== "iceberg") paths.push(`lib/${name}/mod.ts`);
  }
  return paths.sort();
}

const exportReporter: Deno.lint.Plugin = {
  name: "exports",
  rules: { report: { create: reportExports } },
};

function reportExports(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    ExportNamedDeclaration(node) {
      const report = (name: string) => context.report({ node, message: name });
      for (const specifier of node.specifiers) {
        const type = node.exportKind === "type" || specifier.exportKind === "type";
        report(`${type ? "type " : ""}${context.sourceCode.getText(specifier.exported)}`);
      }
      const { declaration } = node;
      if (declaration === null) return;
      if (declaration.type === "VariableDeclaration") {
        for (const { id } of declaration.declarations) {
          if (id.type === "Identifier") report(id.name);
        }
      } else if ("id" in declaration && declaration.id?.type === "Identifier") {
        const type = declaration.type === "TSInterfaceDeclaration" ||
          declaration.type === "TSTypeAliasDeclaration";
        report(`${type ? "type " : ""}${declaration.id.name}`);
      }
    },
  };
}
