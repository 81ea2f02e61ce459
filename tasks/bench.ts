/**
 * `deno task bench [name...]`: runs benchmarks one after another, all of them without a name. What
 * stands behind the name in a file's own usage line is passed on: `deno task bench manifest -- 100`.
 */

const SUFFIX = "_bench.ts";

/** The names of all benchmarks, sorted. */
function listBenches(): readonly string[] {
  return [...Deno.readDirSync("bench")].map(({ name }) => name)
    .filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).sort();
}

async function main(): Promise<number> {
  const split = Deno.args.indexOf("--");
  const chosen = split === -1 ? Deno.args : Deno.args.slice(0, split);
  const rest = split === -1 ? [] : Deno.args.slice(split + 1);
  const known = listBenches();
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`No benchmark "${unknown.join('", "')}": there are ${known.join(", ")}`);
    return 2;
  }
  let worst = 0;
  for (const name of chosen.length === 0 ? known : chosen) {
    console.log(`== ${name}`);
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", `bench/${name}${SUFFIX}`, ...rest],
    }).spawn().status;
    worst = Math.max(worst, code);
  }
  return worst;
}

Deno.exit(await main());
