/** Runs one rule of the plugin over a source text. */
import plugin from "../../../lint/plugin.ts";

/** Messages that `rule` reports for `source` in a file of that path inside the project. */
export function messagesOf(rule: string, source: string, path = "lib/sample.ts"): string[] {
  return Deno.lint.runPlugin(plugin, `${Deno.cwd()}/${path}`, source)
    .filter((diagnostic) => diagnostic.id === `drls/${rule}`)
    .map((diagnostic) => diagnostic.message);
}
