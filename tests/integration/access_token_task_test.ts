import assert from "node:assert/strict";
import { join } from "node:path";
import { createAccess } from "../../lib/access/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log.ts";
import { openState } from "../../lib/state/mod.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs `deno task token` as a user would, over a data folder. */
async function token(dataDir: string, args: readonly string[]) {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "token", ...args],
    cwd: ROOT,
    env: { DRLS_DATA_DIR: dataDir },
  }).output();
  const decoder = new TextDecoder();
  const [stdout, stderr] = [decoder.decode(output.stdout), decoder.decode(output.stderr)];
  return { code: output.code, stdout, stderr };
}

async function withDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-token-task-" });
  try {
    await test(join(dir, "data"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("deno task token creates a user and prints a token that works, alone on its output", () =>
  withDataDir(async (dataDir) => {
    const args = ["--user", "alice", "--role", "DataEngineer", "--expires-days", "30"];
    const { code, stdout, stderr } = await token(dataDir, args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^drls_[\w-]{43}\n$/);
    assert.match(stderr, /Token tok_\w+ of alice \(DataEngineer\), expires 20/);
    const again = await token(dataDir, ["--user", "alice", "--expires-days", "never"]);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /expires never/);
    const state = await openState({ url: "file:state.db", authToken: null, dataDir });
    const deps = { state, clock: systemClock, log: silentLog, jwt: null, instance: "test" };
    for (const secret of [stdout, again.stdout]) {
      const principal = await createAccess(deps).authenticateBearer({
        credential: secret.trim(),
        clientAddress: "192.0.2.7",
      });
      assert.deepEqual([principal.name, principal.role], ["alice", "DataEngineer"]);
    }
    await state.close();
  }));

Deno.test("deno task token says what is missing or wrong, and prints no token then", () =>
  withDataDir(async (dataDir) => {
    await token(dataDir, ["--user", "alice", "--role", "Auditor"]);
    const cases = [
      { args: [], code: 2, says: /^Usage: deno task token/ },
      { args: ["--user", "alice", "--admin"], code: 2, says: /^Usage/ },
      { args: ["--user", "bob", "--role", "Owner"], code: 2, says: /^Usage/ },
      { args: ["--user", "bob"], code: 1, says: /no user "bob".*--role/ },
      { args: ["--user", "alice", "--role", "Admin"], code: 1, says: /"alice" is Auditor/ },
      { args: ["--user", "alice", "--expires-days", "0"], code: 1, says: /expires_in_days/ },
    ];
    for (const { args, code, says } of cases) {
      const result = await token(dataDir, args);
      assert.deepEqual([result.code, result.stdout], [code, ""], result.stderr);
      assert.match(result.stderr, says);
    }
  }));
