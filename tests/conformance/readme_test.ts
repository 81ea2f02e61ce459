/** The README's tours, walked literally: its commands in a shell, against the answers that it shows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startDemo } from "../support/demo_process.ts";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, startServer } from "./_server.ts";

/** Where the README puts its lake; a folder of the test takes its place. */
const LAKE = "/tmp/lake";
/** Where the README's server listens; that of a test does elsewhere. */
const URL_SHOWN = "http://127.0.0.1:3000";
const SCRIPT_TIMEOUT_MS = 60_000;
/** Compressed files vary a little with the times that are in them. */
const SIZE_TOLERANCE = 0.1;

interface Block {
  readonly language: string;
  readonly text: string;
}

Deno.test("the README's tour of the demo gives the answers that the README shows", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "drls-readme-" });
  try {
    const tour = readBlocks("## Five minutes");
    await using demo = await startDemo(join(folder, "data/demo"));
    await demo.printed(/(to begin anew, remove the folder)/);
    const url = await demo.printed(/ listens on (\S+) /);
    const output = demo.output().replaceAll(url, URL_SHOWN);
    const welcome = only(tour, ({ text }) => text.includes(" listens on "));
    assertShows(output.slice(output.indexOf("drls ")), welcome);
    const setup = only(tour, ({ text }) => text.startsWith("export TOKEN="));
    const printed = /^ {2}export TOKEN=[\s\S]*?^ {2}}$/m.exec(output)?.[0] ?? "";
    assertShows(printed, setup);
    for (const { command, shown } of commands(tour)) {
      await t.step(command.split("\n")[0] ?? "", async () => {
        const answer = await runShell(`${printed.replaceAll(URL_SHOWN, url)}\n${command}`);
        if (shown === null) assertSucceeded(answer, command);
        else assertShows(answer, shown);
      });
    }
    await t.step("what the demo prints leads to healthy tables too", async () => {
      const pasted = output.split("\n").filter((line) => line.startsWith("  ")).join("\n");
      const answers = await runShell(pasted.replaceAll(URL_SHOWN, url));
      assert.ok(answers.includes("shop.orders     Nothing to do: the table is healthy\n"), answers);
      assert.ok(!answers.includes('"success":false'), answers);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

peerTest("the README's own tables are compacted through PyIceberg's catalog", ["pyiceberg"], {
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "drls-readme-" });
    try {
      const tour = readBlocks("## Your own tables")
        .map(({ text, ...block }) => ({ ...block, text: text.replaceAll(LAKE, folder) }));
      await runPython(only(tour, ({ language }) => language === "python"));
      const start = only(tour, ({ text }) => text.includes("DRLS_CATALOG_TYPE=sql"));
      const { DRLS_DATA_DIR: _, DRLS_BOOTSTRAP_TOKEN: __, ...env } = exportsOf(start);
      await using server = await startServer(env);
      const tables = { namespaces: ["sales"], tables: ["sales.orders"] };
      assert.deepEqual(await server.get("/tables"), tables);
      const setup = only(
        readBlocks("## Five minutes"),
        ({ text }) => text.startsWith("export TOKEN="),
      );
      const shell = setup.replace(/TOKEN=\S+/, `TOKEN=${ADMIN_TOKEN}`)
        .replaceAll(URL_SHOWN, server.url);
      for (const { command, shown } of commands(tour)) {
        assert.ok(shown !== null, command);
        assertShows(await runShell(`${shell}\n${command}`), shown);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("assertShows() tells an answer from another one", () => {
  const shown = '{"a": 1,\n "file_bytes": 1000, ..., "z": "..."}';
  assertShows('{"a":1,"file_bytes":1050,"m":[2],"z":"x"}', shown);
  assertShows('{"a":1,"file_bytes":950,"m":[2],"z":"x"}', shown);
  for (
    const other of [
      '{"a":2,"file_bytes":1000,"m":[2],"z":"x"}',
      '{"a":1,"file_bytes":1200,"m":[2],"z":"x"}',
      '{"a":1,"file_bytes":1000,"m":[2]}',
      '{"a":1,"file_bytes":1000,"m":[2],"z":"x"}\n{}',
    ]
  ) assert.throws(() => assertShows(other, shown), other);
});

/** The fenced blocks of one section. */
function readBlocks(heading: string): readonly Block[] {
  const readme = Deno.readTextFileSync("README.md");
  const section = readme.split(/^(?=## )/m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .map(([, language = "", text = ""]) => ({ language, text }));
}

function only(blocks: readonly Block[], fits: (block: Block) => boolean): string {
  const found = blocks.filter(fits);
  assert.equal(found.length, 1);
  return found[0]?.text ?? "";
}

/** What `export` lines set. */
function exportsOf(text: string): Record<string, string> {
  const words = text.split("\n").filter((line) => line.startsWith("export "))
    .flatMap((line) => line.slice("export ".length).split(" "));
  return Object.fromEntries(words.map((word) => word.split("=", 2) as [string, string]));
}

/** The blocks of commands that ask the server, each with the answer shown after it, if there is one. */
function commands(
  tour: readonly Block[],
): readonly { readonly command: string; readonly shown: string | null }[] {
  const found = tour.flatMap(({ language, text }, i) => {
    if (language !== "sh" || !/^(?:drls [a-z]|for )/.test(text)) return [];
    const next = tour[i + 1];
    return [{ command: text, shown: next?.language === "" ? next.text : null }];
  });
  assert.ok(found.length > 0);
  return found;
}

/**
 * All that is shown is there, in this order, and `...` stands for whatever is left out. How an answer
 * is broken into lines does not count; sizes in bytes may be a little different.
 */
function assertShows(answer: string, shown: string): void {
  const dense = (text: string) => text.replace(/\s+/g, "");
  const sizes: number[] = [];
  const pattern = dense(shown).split("...").map((part) =>
    part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replace(/(bytes(?:_count)?(?:\\\\)?":)(\d+)/g, (_, key: string, size: string) => {
        sizes.push(Number(size));
        return `${key}(\\d+)`;
      })
  ).join("[\\s\\S]*?");
  const found = new RegExp(`^${pattern}$`).exec(dense(answer));
  assert.ok(found !== null, `Shown:\n${shown}\nAnswered:\n${answer}`);
  for (const [i, size] of sizes.entries()) {
    const differs = Math.abs(Number(found[i + 1]) - size);
    assert.ok(differs <= size * SIZE_TOLERANCE, `Shown ${size} bytes, answered ${found[i + 1]}`);
  }
}

/** Every command of the block was answered with a success. */
function assertSucceeded(answers: string, command: string): void {
  const count = command.trim().split("\n").length;
  assert.equal(answers.match(/^\{"success":true,/gm)?.length, count, answers);
}

async function runShell(script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script],
    signal: AbortSignal.timeout(SCRIPT_TIMEOUT_MS),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr).slice(-2000));
  return new TextDecoder().decode(stdout);
}

async function runPython(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(`${PEERS_DIR}/pyiceberg/bin/python`, {
    args: ["-c", script],
    signal: AbortSignal.timeout(SCRIPT_TIMEOUT_MS),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr).slice(-2000));
}
