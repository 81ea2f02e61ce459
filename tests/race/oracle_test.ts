/** The suite finds those who break the rules: each of these writers has been shipped by somebody. */
import assert from "node:assert/strict";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { LAST_ADDED } from "../../lib/iceberg/commit/table_update.ts";
import { readyParquet } from "../support/parquet_module.ts";
import type { Action } from "./_act.ts";
import { openBed } from "./_beds.ts";
import { Chance } from "./_chance.ts";
import { type FaultPlan, NO_FAULTS } from "./_faults.ts";
import { type RaceOptions, runRace } from "./_race.ts";
import {
  deletesAfterLostReply,
  forgetsRefs,
  keepsReplaced,
  losesRow,
  removesYoungFiles,
  repeatsAfterLostReply,
  takesNewNumber,
  takesOldNumber,
  validatesAtCommit,
} from "./_saboteurs.ts";
import { RaceFailure } from "./_witness.ts";
import type { WriterKind } from "./_writers.ts";

await readyParquet();

/** Races in which a saboteur may get away with it. */
const MAX_RACES = 25;

/** Runs races until one fails, and returns what it says. */
async function firstFailure(options: (seed: number) => Omit<RaceOptions, "seed">): Promise<string> {
  for (let seed = 1; seed <= MAX_RACES; seed++) {
    try {
      await runRace({ seed, ...options(seed) });
    } catch (error) {
      if (!(error instanceof RaceFailure)) throw error;
      return error.message;
    }
  }
  return `nothing in ${MAX_RACES} races`;
}

/** Every other reply to a commit is lost. */
function lostCommits(chance: Chance): FaultPlan {
  return {
    at: ({ point }) => point.weight === "commit" && chance.percent(50) ? "lose reply" : null,
  };
}

interface Case {
  readonly saboteur: Action;
  readonly as: WriterKind;
  readonly rivals: readonly WriterKind[];
  readonly formatVersion?: 2 | 3;
  readonly losesReplies?: boolean;
  readonly expected: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
  "validates from the snapshot at the time of the commit": {
    saboteur: validatesAtCommit,
    as: "bin packer",
    rivals: ["row deleter", "row deleter"],
    formatVersion: 2,
    expected: /shows rows again/,
  },
  "gives rewritten files a new sequence number": {
    saboteur: takesNewNumber,
    as: "bin packer",
    rivals: ["key deleter", "upserter"],
    formatVersion: 2,
    expected: /shows rows again/,
  },
  "gives rewritten files an old sequence number": {
    saboteur: takesOldNumber,
    as: "bin packer",
    rivals: ["key deleter", "upserter"],
    formatVersion: 2,
    expected: /lost rows/,
  },
  "leaves a row out": {
    saboteur: losesRow,
    as: "bin packer",
    rivals: ["appender"],
    formatVersion: 2,
    expected: /lost rows/,
  },
  "keeps the files that it replaced": {
    saboteur: keepsReplaced,
    as: "bin packer",
    rivals: ["appender"],
    formatVersion: 2,
    expected: /shows rows twice/,
  },
  "gives rewritten rows new ids": {
    saboteur: validatesAtCommit,
    as: "bin packer",
    rivals: ["appender"],
    formatVersion: 3,
    expected: /Row \d+ of snapshot \d+ was \d+ of \d+ and is/,
  },
  "deletes its files when a reply is lost": {
    saboteur: deletesAfterLostReply,
    as: "appender",
    rivals: ["fast appender"],
    losesReplies: true,
    expected: /deletes .*, which the table uses|The table lacks/,
  },
  "commits again when a reply is lost": {
    saboteur: repeatsAfterLostReply,
    as: "appender",
    rivals: ["fast appender"],
    losesReplies: true,
    expected: /twice/,
  },
  "takes files in the making for orphans": {
    saboteur: removesYoungFiles,
    as: "orphan remover",
    rivals: ["fast appender", "bin packer"],
    expected: /The table lacks|Cannot read|deletes/,
  },
  "expires files that a tag needs": {
    saboteur: forgetsRefs,
    as: "expirer",
    rivals: ["bin packer", "tagger"],
    expected: /expirer deletes .*, which the table uses/,
  },
};

for (
  const [what, { saboteur, as, rivals, losesReplies, expected, ...rest }] of Object.entries(CASES)
) {
  Deno.test(`the race suite catches a writer that ${what}`, async () => {
    const found = await firstFailure((seed) => ({
      catalog: "memory",
      writers: [as, ...rivals],
      actions: { [as]: saboteur },
      changesSpec: false,
      faults: losesReplies === true ? lostCommits(new Chance(seed)) : NO_FAULTS,
      ...rest,
    }));
    assert.match(found, expected);
  });
}

Deno.test("the race suite catches a catalog that does not compare before it swaps", async () => {
  const found = await firstFailure(() => ({
    catalog: "memory",
    writers: ["appender", "fast appender", "property changer"],
    faults: NO_FAULTS,
    openBed: async (options) => {
      const bed = await openBed("memory-rest", options);
      const base = bed.openTable(bed.io, null);
      return { ...bed, openTable: (io, process) => careless(bed.openTable(io, process), base) };
    },
  }));
  assert.match(found, /drops|moves main|Cannot commit/);
});

/** Makes the change of a writer that came too late the table's state all the same. */
function careless(store: TableStore, base: TableStore): TableStore {
  return {
    load: (signal) => store.load(signal),
    async commit(table, change, options) {
      const now = await base.load();
      const { snapshotId } = now.metadata.refs.get("main") ?? { snapshotId: null };
      if (snapshotId === null) return await store.commit(table, change, options);
      const requirements = [] as const;
      const updates = change.updates.map((update) =>
        update.action === "add-snapshot"
          ? {
            ...update,
            snapshot: { ...update.snapshot, sequenceNumber: now.metadata.lastSequenceNumber + 1n },
          }
          : update.action === "set-current-schema"
          ? { ...update, schemaId: LAST_ADDED }
          : update
      );
      return await store.commit(now, { ...change, requirements, updates }, options);
    },
  };
}

Deno.test("a seed repeats its race step by step", async () => {
  for (const catalog of ["memory", "sql"] as const) {
    const [first, second] = [
      await runRace({ seed: 11, catalog }),
      await runRace({ seed: 11, catalog }),
    ];
    const plain = (trace: readonly string[]) =>
      trace.map((line) => line.replaceAll(/\/\S*\/drls-race-[^/]+/g, ""));
    assert.deepEqual(plain(first.trace), plain(second.trace));
    assert(first.steps > 100);
  }
});
