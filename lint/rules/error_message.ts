/**
 * Error messages are sentence case, without a final period and without contractions. Template
 * literals, concatenations and both arms of a conditional are read too: a rule that is checked in
 * part is broken where it is not. Tests are exempt: they imitate errors that others word.
 */
import { calleeName, projectPath } from "../_source.ts";

/** Which argument is the message, for constructors and helpers whose first one is something else. */
const MESSAGE_ARGUMENT: ReadonlyMap<string, number> = new Map([
  ["AppError", 2],
  ["AggregateError", 1],
  ["DOMException", 0],
  ["corruptData", 1],
]);

/** Stands for a part of a message that is only known when the code runs. */
const UNKNOWN = "\u0000";

const CONTRACTION =
  /\b\w+n't\b|\b(?:it|that|there|what|who|he|she|you|we|they|i)'(?:s|re|ve|ll|d|m)\b/i;

/** `error-message`. */
export const errorMessage: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename).startsWith("tests/")) return {};
    const check = (node: Deno.lint.NewExpression | Deno.lint.CallExpression) => {
      const name = calleeName(node.callee);
      if (name === null) return;
      const known = MESSAGE_ARGUMENT.get(name);
      const isError = node.type === "NewExpression" && name.endsWith("Error");
      if (known === undefined && !isError) return;
      const argument = node.arguments[known ?? 0];
      if (argument === undefined) return;
      for (const text of messageTexts(argument)) {
        for (const problem of problemsOf(text)) {
          context.report({ node: argument, message: `Error message ${problem}` });
        }
      }
    };
    return { NewExpression: check, CallExpression: check };
  },
};

function problemsOf(text: string): readonly string[] {
  const problems: string[] = [];
  if (/^\p{Ll}/u.test(text)) problems.push("starts in lower case: use sentence case");
  if (text.endsWith(".")) problems.push("ends with a period: leave it out");
  const contraction = CONTRACTION.exec(text)?.[0];
  if (contraction !== undefined) problems.push(`holds the contraction "${contraction}"`);
  return problems;
}

/** Every text that the expression may give, with unknown parts marked; none if nothing is known. */
function messageTexts(node: Deno.lint.Node): readonly string[] {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : [];
    case "TemplateLiteral":
      return [node.quasis.map((quasi) => quasi.cooked).join(UNKNOWN)];
    case "ConditionalExpression":
      return [...messageTexts(node.consequent), ...messageTexts(node.alternate)];
    case "BinaryExpression": {
      const lefts = node.left.type === "PrivateIdentifier" ? [] : messageTexts(node.left);
      const rights = messageTexts(node.right);
      if (node.operator !== "+" || lefts.length + rights.length === 0) return [];
      return orUnknown(lefts).flatMap((left) => orUnknown(rights).map((right) => left + right));
    }
    default:
      return [];
  }
}

function orUnknown(texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? [UNKNOWN] : texts;
}
