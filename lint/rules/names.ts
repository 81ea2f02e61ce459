/** Names of files and of tests. */
import { baseName, projectPath } from "../_source.ts";

const FORBIDDEN_NAMES = new Set(["index.ts", "utils.ts", "util.ts", "helpers.ts", "common.ts"]);
const SNAKE_CASE = /^_?[a-z0-9]+(?:_[a-z0-9]+)*(?:\.worker)?\.ts$/;

/** `file-name`: snake_case, named for what is inside, `mod.ts` as a folder's door. */
export const fileName: Deno.lint.Rule = {
  create(context) {
    const name = baseName(projectPath(context.filename));
    return {
      Program(node) {
        const problem = FORBIDDEN_NAMES.has(name)
          ? `File name "${name}" says nothing of what is inside`
          : SNAKE_CASE.test(name)
          ? null
          : `File name "${name}" is not snake_case`;
        if (problem === null) return;
        context.report({ range: [node.range[0], node.range[0] + 1], message: problem });
      },
    };
  },
};

/** `test-name`: reads as a fact (`parse() rejects x`), never as a wish. */
export const testName: Deno.lint.Rule = {
  create(context) {
    return {
      'CallExpression[callee.object.name="Deno"][callee.property.name="test"]'(
        node: Deno.lint.CallExpression,
      ) {
        const [first] = node.arguments;
        if (first?.type !== "Literal" || typeof first.value !== "string") return;
        if (!/\bshould\b/i.test(first.value)) return;
        context.report({ node: first, message: 'Test name says "should": state the fact' });
      },
    };
  },
};
