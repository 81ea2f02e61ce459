/**
 * The rules of this project that a machine can check, as a Deno lint plugin. A rule is silenced at
 * one place with `// deno-lint-ignore drls/<rule> -- <reason>`.
 */
import {
  explainedIgnore,
  functionKeyword,
  hashPrivate,
  noDoubleCast,
  noExportStar,
  noSwallowedError,
  noTodo,
} from "./rules/code_shape.ts";
import { exportDoc, moduleDoc } from "./rules/documentation.ts";
import { errorMessage } from "./rules/error_message.ts";
import { fileBudget } from "./rules/file_budget.ts";
import { functionBudget } from "./rules/function_budget.ts";
import { fileName, testName } from "./rules/names.ts";
import { positionalParameters } from "./rules/positional_parameters.ts";
import { pureCore } from "./rules/pure_core.ts";

/** The plugin that `deno.json` loads. */
const plugin: Deno.lint.Plugin = {
  name: "drls",
  rules: {
    "error-message": errorMessage,
    "explained-ignore": explainedIgnore,
    "export-doc": exportDoc,
    "file-budget": fileBudget,
    "file-name": fileName,
    "function-budget": functionBudget,
    "function-keyword": functionKeyword,
    "hash-private": hashPrivate,
    "module-doc": moduleDoc,
    "no-double-cast": noDoubleCast,
    "no-export-star": noExportStar,
    "no-swallowed-error": noSwallowedError,
    "no-todo": noTodo,
    "positional-parameters": positionalParameters,
    "pure-core": pureCore,
    "test-name": testName,
  },
};

/** What Deno loads: see `plugins` under `lint` in `deno.json`. */
export default plugin;
