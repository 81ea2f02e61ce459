/** Fails files past the line budget: a file that long holds more than one noun or verb. */
import { countLines, projectPath } from "../_source.ts";

/** Longest file, in lines. */
export const MAX_FILE_LINES = 400;

/** Data tables that may be longer, each with its reason. */
const EXEMPT: ReadonlyMap<string, string> = new Map([]);

/** `file-budget`. */
export const fileBudget: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        if (EXEMPT.has(projectPath(context.filename))) return;
        const text = context.sourceCode.text;
        const lines = countLines(text, [0, text.trimEnd().length]);
        if (lines <= MAX_FILE_LINES) return;
        context.report({
          range: [0, Math.min(1, text.length)],
          message: `File has ${lines} lines: at most ${MAX_FILE_LINES} are allowed`,
          hint: "Split it by noun or verb",
        });
      },
    };
  },
};
