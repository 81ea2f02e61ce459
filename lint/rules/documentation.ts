/** Every module opens with a doc sentence and every export carries one. Test files are exempt. */
import { hasDocBefore, isTestFile, projectPath } from "../_source.ts";

/** `module-doc`: the first thing in a file, after a shebang line, is a doc comment. */
export const moduleDoc: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        if (isTestFile(projectPath(context.filename))) return;
        const text = context.sourceCode.text.replace(/^#![^\n]*\n/, "");
        if (text.trimStart().startsWith("/**")) return;
        context.report({
          range: [node.range[0], node.range[0] + 1],
          message: "Module has no doc comment",
          hint: "Open the file with /** one sentence on what it is for */",
        });
      },
    };
  },
};

/**
 * `export-doc`: a declaration that is exported has a doc comment. Of several exports that share a
 * name (overloads, a zod schema and its inferred type) one is enough.
 */
export const exportDoc: Deno.lint.Rule = {
  create(context) {
    if (isTestFile(projectPath(context.filename))) return {};
    const documented = new Set<string>();
    const check = (node: Deno.lint.ExportNamedDeclaration | Deno.lint.ExportDefaultDeclaration) => {
      if (node.type === "ExportNamedDeclaration" && node.declaration === null) return;
      const names = declaredNames(node);
      if (hasDocBefore(context.sourceCode.text, node.range[0])) {
        for (const name of names) documented.add(name);
        return;
      }
      if (names.length > 0 && names.every((name) => documented.has(name))) return;
      context.report({
        range: [node.range[0], node.range[0] + 1],
        message: `Export ${names.map((name) => `"${name}"`).join(", ")} has no doc comment`,
        hint: "Say why it exists, its units, the errors it raises",
      });
    };
    return { ExportNamedDeclaration: check, ExportDefaultDeclaration: check };
  },
};

function declaredNames(
  node: Deno.lint.ExportNamedDeclaration | Deno.lint.ExportDefaultDeclaration,
): readonly string[] {
  const { declaration } = node;
  if (node.type === "ExportDefaultDeclaration" || declaration === null) return ["default"];
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.map(({ id }) => id.type === "Identifier" ? id.name : "");
  }
  return "id" in declaration && declaration.id?.type === "Identifier" ? [declaration.id.name] : [];
}
