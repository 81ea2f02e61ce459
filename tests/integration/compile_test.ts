import assert from "node:assert/strict";

/** What isolates run. */
const WASM_FILES = [
  "parquet-wasm/esm/parquet_wasm_bg.wasm",
  "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm",
];
/** Of the end of a file, which nothing else has. */
const PROBE_BYTES = 65_536;

Deno.test("deno task compile embeds isolates, migrations and packages", async () => {
  const folder = await Deno.makeTempDir({ prefix: "drls-compile-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "compile", `${folder}/drls`],
      // Stands for the runtime, which would be downloaded: the file is whole, but does not start.
      env: { DENORT_BIN: Deno.execPath() },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.equal(new TextDecoder().decode(stdout), `Compiled ${folder}/drls\n`);
    const compiled = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/drls`));
    assert(compiled.includes("SwaggerUIBundle"));
    assert(compiled.includes("@libsql/client"));
    for (const file of WASM_FILES) {
      const wasm = await Deno.readFile(new URL(import.meta.resolve(file)));
      assert(
        compiled.includes(new TextDecoder("latin1").decode(wasm.subarray(-PROBE_BYTES))),
        file,
      );
    }
    // A phrase of each package that only tests import.
    assert(!compiled.includes("chromiumSwitches"), "playwright-core is embedded");
    assert(!compiled.includes("Property failed after"), "fast-check is embedded");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
