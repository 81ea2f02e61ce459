/**
 * Fails functions past the line budget. Callbacks are not counted (a test's body, a promise
 * executor): their length shows in the function or file that holds them.
 */
import { countLines } from "../_source.ts";

/** Longest function, in lines. */
export const MAX_FUNCTION_LINES = 70;

type AnyFunction =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** `function-budget`. */
export const functionBudget: Deno.lint.Rule = {
  create(context) {
    const check = (node: AnyFunction, name: string): void => {
      const lines = countLines(context.sourceCode.text, node.range);
      if (lines <= MAX_FUNCTION_LINES) return;
      context.report({
        range: [node.range[0], node.range[0] + 1],
        message: `Function "${name}" has ${lines} lines: at most ${MAX_FUNCTION_LINES} are allowed`,
        hint: "Move a step of it into a function named for what it does",
      });
    };
    return {
      FunctionDeclaration(node) {
        check(node, node.id?.name ?? "default");
      },
      VariableDeclarator(node) {
        const { init, id } = node;
        if (init !== null && isFunction(init)) check(init, context.sourceCode.getText(id));
      },
      MethodDefinition(node) {
        if (isFunction(node.value)) check(node.value, context.sourceCode.getText(node.key));
      },
      PropertyDefinition(node) {
        if (node.value !== null && isFunction(node.value)) {
          check(node.value, context.sourceCode.getText(node.key));
        }
      },
      Property(node) {
        if (isFunction(node.value)) check(node.value, context.sourceCode.getText(node.key));
      },
    };
  },
};

function isFunction(node: Deno.lint.Node): node is AnyFunction {
  return node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
}
