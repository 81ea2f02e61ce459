/** Small rules on how code is written. */
import { calleeName } from "../_source.ts";

/** `no-export-star`: a folder's surface is a list of names, not whatever lies behind it. */
export const noExportStar: Deno.lint.Rule = {
  create(context) {
    return {
      ExportAllDeclaration(node) {
        context.report({ node, message: "Module is re-exported whole: name what is public" });
      },
    };
  },
};

/** `no-swallowed-error`: an empty handler says in a comment why the failure does not matter. */
export const noSwallowedError: Deno.lint.Rule = {
  create(context) {
    const check = (body: Deno.lint.Node) => {
      if (body.type !== "BlockStatement" || body.body.length > 0) return;
      const inside = context.sourceCode.text.slice(body.range[0] + 1, body.range[1] - 1);
      if (inside.trim() !== "") return;
      context.report({
        node: body,
        message: "Failure is caught and ignored",
        hint: "Handle it, or say in a comment here why it does not matter",
      });
    };
    return {
      CatchClause(node) {
        check(node.body);
      },
      CallExpression(node) {
        if (node.callee.type !== "MemberExpression" || calleeName(node.callee) !== "catch") return;
        const [handler] = node.arguments;
        if (
          handler?.type === "ArrowFunctionExpression" || handler?.type === "FunctionExpression"
        ) {
          if (handler.body !== null) check(handler.body);
        }
      },
    };
  },
};

/** `no-double-cast`: `as unknown as T` silences the compiler where a check belongs. */
export const noDoubleCast: Deno.lint.Rule = {
  create(context) {
    return {
      TSAsExpression(node) {
        const { expression } = node;
        if (
          expression.type === "TSAsExpression" &&
          expression.typeAnnotation.type === "TSUnknownKeyword"
        ) {
          context.report({ node, message: 'Value is cast by "as unknown as": check it instead' });
        }
      },
    };
  },
};

/** `no-todo`: what is not done is written in an issue, not in the code. */
export const noTodo: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!/\b(?:TODO|FIXME|XXX)\b/.test(comment.value)) continue;
          context.report({ range: comment.range, message: "Comment is a TODO: do it, or drop it" });
        }
      },
    };
  },
};

/** `explained-ignore`: where a rule is silenced, the same comment says why, after two hyphens. */
export const explainedIgnore: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!/^\s*deno-lint-ignore/.test(comment.value)) continue;
          if (/ -- \S/.test(comment.value)) continue;
          context.report({
            range: comment.range,
            message: "Rule is silenced without a reason",
            hint: 'Say why: "deno-lint-ignore <rule> -- <reason>"',
          });
        }
      },
    };
  },
};

/** `hash-private`: members are hidden by the language (`#name`), not by the type checker. */
export const hashPrivate: Deno.lint.Rule = {
  create(context) {
    const check = (
      node: Deno.lint.PropertyDefinition | Deno.lint.MethodDefinition,
    ) => {
      const isConstructor = node.type === "MethodDefinition" && node.kind === "constructor";
      if (node.accessibility !== "private" || isConstructor) return;
      const message = 'Member is hidden by the keyword "private": use a "#" name';
      context.report({ node: node.key, message });
    };
    return { PropertyDefinition: check, MethodDefinition: check };
  },
};

/** `function-keyword`: a function at the top level of a module is declared as one. */
export const functionKeyword: Deno.lint.Rule = {
  create(context) {
    const check = (node: Deno.lint.VariableDeclarator) => {
      // An annotated arrow takes its parameter types from the annotation; that cannot be declared.
      const annotated = node.id.type === "Identifier" && node.id.typeAnnotation !== undefined;
      if (node.init?.type !== "ArrowFunctionExpression" || annotated) return;
      if (node.init.body.type !== "BlockStatement") return;
      context.report({
        node: node.id,
        message: 'Top-level function is an arrow: declare it with the "function" keyword',
      });
    };
    return {
      "Program > VariableDeclaration > VariableDeclarator": check,
      "Program > ExportNamedDeclaration > VariableDeclaration > VariableDeclarator": check,
    };
  },
};
