/**
 * Every kind of writer, crashed, cut off and delayed where it commits and while it writes. The sweep
 * of every fault at every step takes longer: `deno task race -- --sweep`.
 */
import assert from "node:assert/strict";
import { readyParquet } from "../support/parquet_module.ts";
import type { BedKind } from "./_beds.ts";
import type { Fault } from "./_faults.ts";
import { sweep } from "./_sweep.ts";
import { WRITER_KINDS, type WriterKind } from "./_writers.ts";

await readyParquet();

const SEED = 5;

async function sweepOf(
  writer: WriterKind,
  catalog: BedKind,
  { faults, ...rest }: {
    readonly faults: readonly Fault[];
    readonly steps?: "all" | "commits";
    readonly stride?: number;
  },
): Promise<number> {
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => void failures.push(error);
  const { hits } = await sweep({ catalog, writer, seed: SEED, faults, onFailure, ...rest });
  if (failures.length > 0) throw failures[0];
  return hits;
}

/** Faults that leave the outcome of a commit in doubt; every writer gets one of them here. */
const IN_DOUBT: readonly Fault[] = ["crash in flight", "late", "crash after", "lose reply"];

for (const [at, writer] of WRITER_KINDS.entries()) {
  // Orphans are removed without a commit; all compactions commit alike.
  if (writer === "orphan remover" || writer === "sorter" || writer === "z-orderer") continue;
  Deno.test(`a ${writer} whose commit is in doubt neither loses nor doubles a row`, async () => {
    const faults = IN_DOUBT.slice(at % IN_DOUBT.length).slice(0, 1);
    const hits = await sweepOf(writer, "memory", { faults, steps: "commits", stride: 3 });
    assert(hits >= 1);
  });
}

Deno.test("a store that fails in the middle of a hadoop commit costs no row", async () => {
  const faults: readonly Fault[] = ["refuse", "crash before"];
  assert(await sweepOf("fast appender", "hadoop", { faults, stride: 23 }) >= 2);
});

Deno.test("a remover of orphans that dies at any step has deleted none but orphans", async () => {
  assert(await sweepOf("orphan remover", "memory", { faults: ["crash before"], stride: 7 }) >= 2);
});
