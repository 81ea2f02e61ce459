/** The documents tell the truth about what can be checked: settings, commands, versions, links. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { settingsTable } from "../../lib/settings.ts";
import { VERSION } from "../../lib/version.ts";

const ROOT = join(import.meta.dirname ?? ".", "../..");

const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "bench/README.md",
  "tests/conformance/README.md",
  ...[...Deno.readDirSync(`${ROOT}/docs/decisions`)].map(({ name }) => `docs/decisions/${name}`),
];

function read(path: string): string {
  return Deno.readTextFileSync(`${ROOT}/${path}`);
}

/** Each first group of a pattern in a text. */
function groups(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

Deno.test("README.md shows every setting with its default and meaning", () => {
  const shown = /<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/.exec(read("README.md"))?.[1];
  assert.equal(shown, settingsTable());
});

Deno.test("README.md starts and tests the server with one command each", () => {
  const version = /^deno_version=(.+)$/m.exec(read(".ci/run"))?.[1];
  assert.match(version ?? "", /^\d+\.\d+\.\d+$/);
  const readme = read("README.md");
  for (const task of ["start", "test"]) {
    assert.match(readme, new RegExp(`^npx -y deno@${version} task ${task} `, "m"));
  }
  // Whoever follows another document, or runs the image, gets the same runtime.
  for (const path of ["README.md", "CONTRIBUTING.md", "Dockerfile"]) {
    const named = groups(read(path), /deno(?:@|:debian-)(\d+\.\d+\.\d+)/g);
    assert.ok(named.length > 0, path);
    assert.deepEqual([...new Set(named)], [version], path);
  }
});

Deno.test("README.md shows the first line of this version", () => {
  assert.ok(read("README.md").includes(`\ndrls ${VERSION} listens on http://127.0.0.1:3000 `));
});

Deno.test("the documents name only tasks that there are", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  for (const path of DOCUMENTS) {
    for (const task of groups(read(path), /(?:deno|deno@[\d.]+)\s+task\s+([a-z][\w:]*)/g)) {
      assert.ok(Object.hasOwn(tasks, task), `${path}: ${task}`);
    }
  }
  const named = groups(read("README.md"), /task\s+([a-z][\w:]*)/g);
  assert.ok(named.includes("token"), "the pattern finds what is there");
});

Deno.test("the documents name only settings that there are", () => {
  const known = new Set(groups(settingsTable(), /^\| `(\w+)` \|/gm));
  for (const path of ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]) {
    for (const name of groups(read(path), /\b(DRLS_\w+)/g)) {
      // Those of the tests are explained beside them.
      if (!name.startsWith("DRLS_PEERS_")) assert.ok(known.has(name), `${path}: ${name}`);
    }
  }
});

Deno.test("every relative link of the documents leads to a file", async () => {
  let count = 0;
  for (const path of DOCUMENTS) {
    for (const target of groups(read(path), /\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file] = target.split("#");
      await Deno.stat(join(ROOT, dirname(path), file ?? ""))
        .catch(() => assert.fail(`${path} links to "${target}", which does not exist`));
      count++;
    }
  }
  assert.ok(count >= 10, `${count} links`);
});

Deno.test("the index of decisions lists every page once, under its own title", () => {
  const index = read("docs/decisions/README.md");
  const pages = DOCUMENTS.filter((path) => /decisions\/\d{4}-/.test(path)).sort();
  assert.deepEqual(
    groups(index, /\]\((\d{4}-[\w-]+\.md)\)/g),
    pages.map((path) => path.slice("docs/decisions/".length)),
  );
  for (const path of pages) {
    const lines = read(path).trimEnd().split("\n");
    assert.match(lines[0] ?? "", new RegExp(`^# ${path.slice(15, 19)}: `), path);
    assert.ok(lines.length <= 25, `${path} has ${lines.length} lines`);
  }
});
