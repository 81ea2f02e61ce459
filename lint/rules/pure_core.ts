/**
 * `lib/iceberg` is a function from bytes to values: what it needs of the world comes in through
 * `lib/iceberg/ports.ts`. Codecs from `node:zlib` are arithmetic and allowed.
 */
import { projectPath } from "../_source.ts";

const WORLD = new Set(["Deno", "fetch", "WebSocket", "Worker", "process"]);
const ALLOWED_NODE_MODULES = new Set(["node:zlib"]);

/** `pure-core`. */
export const pureCore: Deno.lint.Rule = {
  create(context) {
    if (!projectPath(context.filename).startsWith("lib/iceberg/")) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({
        node,
        message: `Iceberg core uses "${what}": it may not touch the world`,
        hint: "Ask for it through lib/iceberg/ports.ts or take the value as an argument",
      });
    return {
      ImportDeclaration(node) {
        const specifier = node.source.value;
        if (specifier.startsWith("node:") && !ALLOWED_NODE_MODULES.has(specifier)) {
          report(node, specifier);
        }
      },
      MemberExpression(node) {
        const { object } = node;
        if (object.type === "Identifier" && WORLD.has(object.name)) report(node, object.name);
      },
      CallExpression(node) {
        const { callee } = node;
        if (callee.type === "Identifier" && WORLD.has(callee.name)) report(node, callee.name);
      },
      NewExpression(node) {
        const { callee } = node;
        if (callee.type === "Identifier" && WORLD.has(callee.name)) report(node, callee.name);
      },
    };
  },
};
