/**
 * Exported functions take at most two positional parameters; what else they need arrives as a
 * third one of a named type (`CopyOptions`), so that call sites can be read. Tests' own
 * support code is exempt.
 */
import { projectPath } from "../_source.ts";

/** Most positional parameters before the options. */
export const MAX_POSITIONAL = 2;

/** `positional-parameters`. */
export const positionalParameters: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename).startsWith("tests/")) return {};
    const check = (
      parameters: readonly Deno.lint.Parameter[],
      name: string,
      at: Deno.lint.Node,
    ) => {
      if (parameters.length <= MAX_POSITIONAL) return;
      const options = parameters[MAX_POSITIONAL];
      const named = parameters.length === MAX_POSITIONAL + 1 && options !== undefined &&
        hasNamedType(options);
      if (named) return;
      context.report({
        range: [at.range[0], at.range[0] + 1],
        message: `Exported function "${name}" takes ${parameters.length} positional parameters: ` +
          `at most ${MAX_POSITIONAL} and then one of a named options type are allowed`,
      });
    };
    return {
      "ExportNamedDeclaration > FunctionDeclaration"(node: Deno.lint.FunctionDeclaration) {
        check(node.params, node.id?.name ?? "default", node);
      },
      "ExportNamedDeclaration > VariableDeclaration > VariableDeclarator"(
        node: Deno.lint.VariableDeclarator,
      ) {
        const { init } = node;
        if (init?.type === "ArrowFunctionExpression" || init?.type === "FunctionExpression") {
          check(init.params, context.sourceCode.getText(node.id), node);
        }
      },
    };
  },
};

function hasNamedType(parameter: Deno.lint.Parameter): boolean {
  const target = parameter.type === "AssignmentPattern" ? parameter.left : parameter;
  if (!("typeAnnotation" in target)) return false;
  const type = target.typeAnnotation?.typeAnnotation.type;
  return type === "TSTypeReference";
}
