/** The README's five minutes, walked literally: its Python, its settings, its requests, its answers. */
import assert from "node:assert/strict";
import { PEERS_DIR, peerTest } from "./_peers.ts";
import { startServer } from "./_server.ts";

/** Where the README puts its lake; a folder of the test takes its place. */
const LAKE = "/tmp/lake";
const SCRIPT_TIMEOUT_MS = 60_000;

interface Block {
  readonly language: string;
  readonly text: string;
}

peerTest("the README's tour gives the answers that the README shows", ["pyiceberg"], {
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "drls-readme-" });
    const tour = readBlocks("## Five minutes", folder);
    try {
      await runPython(only(tour, ({ language }) => language === "python"));
      const start = only(tour, ({ text }) => text.includes("task start"));
      await using server = await startServer(exportsOf(start, "DRLS_WAREHOUSE"));
      for (const [path, shown] of requests(tour)) {
        await t.step(`drls ${path}`, async () => {
          assertShows(await server.get(`/${path}`), shown);
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

peerTest("the README's sql catalog finds what PyIceberg's wrote", ["pyiceberg"], {
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "drls-readme-" });
    try {
      const python = readBlocks("## Five minutes", folder);
      await runPython(only(python, ({ language }) => language === "python"));
      const sql = only(
        readBlocks("## Another catalog", folder),
        ({ text }) => text.includes("DRLS_CATALOG_TYPE=sql"),
      );
      await using server = await startServer(exportsOf(sql, "DRLS_"));
      const shown = { namespaces: ["sales"], tables: ["sales.orders"] };
      assert.deepEqual(await server.get("/tables"), shown);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** The fenced blocks of one section. */
function readBlocks(heading: string, folder: string): readonly Block[] {
  const readme = Deno.readTextFileSync("README.md").replaceAll(LAKE, folder);
  const section = readme.split(/^(?=## )/m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .map(([, language = "", text = ""]) => ({ language, text }));
}

function only(blocks: readonly Block[], fits: (block: Block) => boolean): string {
  const found = blocks.filter(fits);
  assert.equal(found.length, 1);
  return found[0]?.text ?? "";
}

/** What `export` lines set, of the names that begin so. */
function exportsOf(text: string, start: string): Record<string, string> {
  const words = text.split("\n").filter((line) => line.startsWith("export "))
    .flatMap((line) => line.slice("export ".length).split(" "));
  const set = words.map((word) => word.split("=", 2) as [string, string]);
  return Object.fromEntries(set.filter(([name]) => name.startsWith(start)));
}

/** Each request of the tour with the answer that is shown after it. */
function requests(tour: readonly Block[]): readonly (readonly [string, string])[] {
  const found = tour.flatMap(({ text }, i) => {
    const path = /^drls (\S+)$/m.exec(text)?.[1];
    return path === undefined ? [] : [[path, tour[i + 1]?.text ?? ""] as const];
  });
  assert.deepEqual(found.map(([path]) => path), [
    "tables",
    "table/sales.orders/schema",
    "table/sales.orders/health",
  ]);
  return found;
}

/** All that is shown is there, and where nothing is left out, it is all that is there. */
function assertShows(answer: Record<string, unknown>, shown: string): void {
  const fields: Record<string, unknown> = JSON.parse(shown.replace(/,\s*\.\.\.\s*\}/, "}"));
  const keys = shown.includes("...") ? Object.keys(fields) : Object.keys(answer);
  assert.deepEqual(Object.fromEntries(keys.map((key) => [key, answer[key]])), fields);
}

async function runPython(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(`${PEERS_DIR}/pyiceberg/bin/python`, {
    args: ["-c", script],
    signal: AbortSignal.timeout(SCRIPT_TIMEOUT_MS),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr).slice(-2000));
}
