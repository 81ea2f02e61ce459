/**
 * A process that opens the state of a folder, for tests in which several do so at once or one is
 * killed. Usage: `state_child.ts <mode> <data dir>`; says `ready` on its output when told to wait.
 */
import { createAccess } from "../../lib/access/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log.ts";
import { openState, sql, type State } from "../../lib/state/mod.ts";

const [mode = "", url = "", startAtMs = "0"] = Deno.args;

/** All start together, so that they really meet. */
await new Promise((resolve) => setTimeout(resolve, Number(startAtMs) - Date.now()));
const state = await openState({ url, authToken: null, dataDir: "/" });
await run(state);

async function run(state: State): Promise<void> {
  switch (mode) {
    case "open":
      await state.ping();
      break;
    case "bootstrap": {
      const deps = { state, clock: systemClock, log: silentLog, jwt: null, instance: "child" };
      const created = await createAccess(deps).bootstrap({ token: null });
      console.log(created === null ? "nothing" : created.secret.reveal());
      break;
    }
    case "count":
      for (let i = 0; i < 50; i++) await increment(state);
      break;
    case "die":
      await writeForEver(state);
  }
  await state.close();
}

async function increment(state: State): Promise<void> {
  await state.transaction((tx) =>
    tx.run(sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
      VALUES ('count', '1', 'child', 1, 0) ON CONFLICT (key) DO UPDATE SET epoch = epoch + 1`)
  );
}

/** Commits pairs of rows and says so after each; ends with a pair of which one half is written. */
async function writeForEver(state: State): Promise<void> {
  for (let pair = 1; pair <= 20; pair++) {
    await state.transaction(async (tx) => {
      for (const half of ["a", "b"]) {
        await tx.run(sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
          VALUES (${`${pair}${half}`}, '1', 'child', 1, 0)`);
      }
    });
    console.log(`committed ${pair}`);
  }
  await state.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
      VALUES ('21a', '1', 'child', 1, 0)`);
    console.log("halfway");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
}
