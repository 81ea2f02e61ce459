/**
 * `deno task token`: creates an API token, and its user where there is none yet, straight in the
 * state database that the settings name. Who may open that database needs no other credential.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import {
  type Access,
  type CallContext,
  createAccess,
  DEFAULT_TOKEN_DAYS,
  LOCAL_PRINCIPAL,
  RoleName,
} from "../lib/access/mod.ts";
import { systemClock } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { loadSettings } from "../lib/settings.ts";
import { openState } from "../lib/state/mod.ts";

const USAGE = `Usage: deno task token --user <name> [--role <role>] [--name <label>]
                       [--expires-days <days>|never]

  --user          whose token; the user is created where there is none
  --role          role of a new user: ${RoleName.options.join(", ")}
  --name          what the token is for
  --expires-days  ${DEFAULT_TOKEN_DAYS} by default

The token goes to standard output, once. The database is the one that the server's settings name.`;

const Options = z.object({
  user: z.string(),
  role: RoleName.optional(),
  name: z.string().optional(),
  "expires-days": z.literal("never").transform(() => null).or(z.coerce.number()).optional(),
});
type Options = z.infer<typeof Options>;

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
  const settings = loadSettings({
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    cores: 1,
    tempDir: "/tmp",
    readTextFile: Deno.readTextFileSync,
  });
  const { stateUrl: url, stateAuthToken: authToken, dataDir } = settings;
  const state = await openState({ url, authToken, dataDir });
  try {
    const log = createLog({ level: settings.logLevel });
    const instance = crypto.randomUUID();
    const access = createAccess({ state, clock: systemClock, log, jwt: null, instance });
    await printToken(access, options);
    return 0;
  } finally {
    await state.close();
  }
}

async function printToken(access: Access, options: Options): Promise<void> {
  const ctx: CallContext = {
    principal: LOCAL_PRINCIPAL,
    requestId: "deno task token",
    signal: new AbortController().signal,
    agent: null,
  };
  const role = await ensureUser(access, ctx, options);
  const { "expires-days": days } = options;
  const { token, secret } = await access.createToken(ctx, {
    user: options.user,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(days === undefined ? {} : { expires_in_days: days }),
  });
  // Standard output holds the token alone, so that a script can take it.
  console.error(
    `Token ${token.id} of ${token.user} (${role}), expires ${token.expires_at ?? "never"}`,
  );
  console.log(secret.reveal());
}

async function ensureUser(access: Access, ctx: CallContext, options: Options): Promise<string> {
  const { user: name, role } = options;
  const found = await access.getUser(ctx, { name }).catch((error) => {
    if (error instanceof AppError && error.kind === "not_found") return null;
    throw error;
  });
  if (found === null) {
    if (role !== undefined) return (await access.createUser(ctx, { name, role })).role;
    const message = `Cannot create a token: there is no user "${name}". Add --role to create one`;
    throw new AppError("not_found", "user_not_found", message);
  }
  if (role === undefined || role === found.role) return found.role;
  const message = `Cannot create a token: "${found.name}" is ${found.role}, not ${role}. ` +
    "Leave --role out, or have an Admin change the role";
  throw new AppError("conflict", "role_differs", message);
}

function readOptions(): Options | null {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: { user: text, role: text, name: text, "expires-days": text },
    });
    const parsed = Options.safeParse(values);
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // An unknown flag, or one without its value.
    throw error;
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    console.error(error.message);
    for (const { path, message } of error.issues) console.error(`  ${path}: ${message}`);
    Deno.exit(1);
  }
}
