/**
 * `deno task compile [output]`: one file with the server, its isolates, its packages and whatever
 * its modules import as text or bytes. Permissions are those of the `start` task.
 *
 * Isolates are reached through `new Worker(new URL(...))`, which the compiler does not follow: each
 * `workers/*.worker.ts` is named to it, and afterwards looked for in the file.
 */

/**
 * Files of packages that stay out: `bintrees` (of prom-client) ships a data file without extension,
 * on which the compiler of Deno 2.9.6 overflows its stack; DuckDB comes in builds that nothing loads.
 */
const EXCLUDED_PACKAGE_FILES = [
  "bintrees/1.0.2/test",
  "@duckdb/duckdb-wasm/1.32.0/dist/duckdb-mvp.wasm",
  "@duckdb/duckdb-wasm/1.32.0/dist/duckdb-coi.wasm",
];

/** What has to be in the file, by folder. */
const EMBEDDED = [
  { folder: "workers", suffix: ".worker.ts" },
  { folder: "migrations", suffix: ".sql" },
] as const;

const DEFAULT_OUTPUT = "dist/drls";

async function main(): Promise<number> {
  const output = Deno.args[0] ?? DEFAULT_OUTPUT;
  const workers = listFiles("workers", ".worker.ts");
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...await startPermissions(),
      // Without it the file would hold the packages of the tests, too.
      "--exclude-unused-npm",
      ...workers.flatMap((path) => ["--include", path]),
      ...(await excludedPaths()).flatMap((path) => ["--exclude", path]),
      "--output",
      output,
      "main.ts",
    ],
    stdout: "null",
  }).spawn().status;
  if (code !== 0) return code;
  const missing = await findMissing(output);
  for (const path of missing) console.error(`Compiled file does not hold ${path}`);
  if (missing.length === 0) console.log(`Compiled ${output}`);
  return missing.length === 0 ? 0 : 1;
}

async function startPermissions(): Promise<readonly string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  return String(tasks.start).split(" ").filter((word) => word.startsWith("--allow-"));
}

/** Paths of excluded files in the package cache. */
async function excludedPaths(): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  // One folder a registry.
  return [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory)
    .flatMap(({ name }) => EXCLUDED_PACKAGE_FILES.map((path) => `${npmCache}/${name}/${path}`));
}

/** Files whose text is not in the compiled one. */
async function findMissing(output: string): Promise<readonly string[]> {
  const compiled = new TextDecoder("latin1").decode(await Deno.readFile(output));
  return EMBEDDED.flatMap(({ folder, suffix }) => listFiles(folder, suffix)).filter((path) => {
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    return !compiled.includes(text.trim());
  });
}

function listFiles(folder: string, suffix: string): readonly string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    .filter((path) => path.endsWith(suffix)).sort();
}

Deno.exit(await main());
