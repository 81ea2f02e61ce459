/** Starts {@linkcode file://./state_child.ts} processes. */

const CHILD = new URL("./state_child.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** Arguments of a child process. */
export interface StateChild {
  readonly mode: "open" | "bootstrap" | "count" | "die";
  readonly url: string;
  /** When it begins, by the wall clock; at once by default. */
  readonly startAtMs?: number;
}

/** Starts a child with its output piped. */
export function spawnStateChild(child: StateChild): Deno.ChildProcess {
  const { mode, url, startAtMs = 0 } = child;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `--config=${CONFIG.pathname}`, CHILD.pathname, mode, url]
      .concat(String(startAtMs)),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `count` children that begin together; resolves to what each wrote, or throws what failed. */
export async function runStateChildren(child: StateChild, count: number): Promise<string[]> {
  const startAtMs = Date.now() + 1_500;
  const children = Array.from({ length: count }, () => spawnStateChild({ ...child, startAtMs }));
  const outputs = await Promise.all(children.map((each) => each.output()));
  return outputs.map(({ success, stdout, stderr }) => {
    const decoder = new TextDecoder();
    if (!success) throw new Error(`Child failed: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout).trim();
  });
}
