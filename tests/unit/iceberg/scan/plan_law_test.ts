/** The law of scans: what tasks yield is what the table's files, deletes and the filter say. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { rowMatcher } from "../../../../lib/iceberg/expression/match_row.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { planFiles } from "../../../../lib/iceberg/scan/plan_files.ts";
import {
  isUnpartitioned,
  type PartitionSpec,
} from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { filters } from "../expression/_random_filter.ts";
import {
  dataFile,
  groupByPartition,
  manifestOf,
  type MetricsStyle,
  metricsStyles,
  partitionOf,
  type Row,
  rows,
  SCHEMA,
  specs,
  valueOf,
} from "../expression/_random_table.ts";
import { entry, type HeldManifest, manifest, snapshot, table } from "./_files.ts";

/** One commit: rows added, rows deleted by value, and how its writer kept metrics. */
interface Commit {
  readonly added: readonly Row[];
  readonly deleted: readonly Row[];
  readonly equalityIds: readonly number[];
  readonly spec: 0 | 1;
  readonly style: MetricsStyle;
}

/** A file of a commit with its rows: the truth that a reader would find. */
interface WrittenFile {
  readonly file: DataFile;
  readonly rows: readonly Row[];
  readonly sequenceNumber: bigint;
}

const COMMITS: fc.Arbitrary<readonly Commit[]> = fc.array(
  fc.record({
    added: rows(),
    deleted: fc.oneof(fc.constant([]), rows()),
    equalityIds: fc.constantFrom([1], [5], [3, 1], [22], [9]),
    spec: fc.constantFrom<0 | 1>(0, 1),
    style: metricsStyles(),
  }),
  { minLength: 1, maxLength: 3 },
);

function write(commits: readonly Commit[], tableSpecs: readonly PartitionSpec[]) {
  const data: WrittenFile[] = [];
  const deletes: WrittenFile[] = [];
  const manifests: HeldManifest[] = [];
  commits.forEach((commit, at) => {
    const sequenceNumber = BigInt(at + 1);
    const spec = tableSpecs[commit.spec];
    assert.ok(spec);
    const { specId } = spec;
    const writeAll = (all: readonly Row[], parts: Partial<DataFile>, into: WrittenFile[]) => {
      const groups = groupByPartition(all, (row) => partitionOf(row, spec));
      const written = groups.map(({ partition, rows }, i): WrittenFile => ({
        rows,
        sequenceNumber,
        file: {
          ...dataFile(rows, partition, commit.style),
          specId,
          filePath: `${parts.content ?? "data"}-${at}-${i}`,
          ...parts,
        },
      }));
      into.push(...written);
      const name = `${parts.content ?? "data"}-${at}`;
      const { partitions } = manifestOf(groups.map((g) => g.partition), spec, { nan: true });
      manifests.push(manifest(name, written.map(({ file }) => entry(file, sequenceNumber)), {
        partitionSpecId: specId,
        partitions,
        content: parts.content === undefined ? "data" : "deletes",
      }));
    };
    writeAll(commit.added, {}, data);
    if (commit.deleted.length > 0) {
      const { equalityIds } = commit;
      writeAll(commit.deleted, { content: "equality_deletes", equalityIds }, deletes);
    }
  });
  return { data, deletes, manifests };
}

function isDeleted(row: Row, keys: WrittenFile): boolean {
  const equals = (a: IcebergValue, b: IcebergValue) =>
    a instanceof Uint8Array && b instanceof Uint8Array ? a.toHex() === b.toHex() : a === b ||
      (Number.isNaN(a) && Number.isNaN(b));
  return keys.rows.some((key) =>
    (keys.file.equalityIds ?? []).every((id) => equals(row.get(id) ?? null, key.get(id) ?? null))
  );
}

function samePartition(a: DataFile, b: DataFile): boolean {
  const show = (file: DataFile) =>
    file.partition.map((v) =>
      v instanceof Uint8Array ? v.toHex() : Object.is(v, -0) ? "-0" : `${typeof v}${v}`
    ).join();
  return a.specId === b.specId && show(a) === show(b);
}

Deno.test("tasks yield exactly the rows that match and are not deleted", async () => {
  const property = fc.asyncProperty(
    COMMITS,
    specs(),
    filters(),
    fc.boolean(),
    async (commits, random, expression, wholeFiles) => {
      const tableSpecs: readonly PartitionSpec[] = [{ specId: 0, fields: [] }, random];
      const { data, deletes, manifests } = write(commits, tableSpecs);
      const filter = bind(expression, SCHEMA);
      const matches = rowMatcher<Row>(filter, valueOf);
      const rowsOf = new Map([...data, ...deletes].map((written) => [written.file, written]));
      const scan = planFiles({
        metadata: table({ schemas: [SCHEMA], partitionSpecs: tableSpecs }),
        snapshot: snapshot(1n),
        manifests: {
          manifestsOf: () => Promise.resolve(manifests.map((held) => held.manifest)),
          entriesOf: (of) =>
            Promise.resolve(manifests.find((held) => held.manifest === of)?.entries ?? []),
        },
        filter,
        rows: wholeFiles ? "all" : "matching",
      });

      const found: Row[] = [];
      for await (const task of scan) {
        const applied = task.deletes.map((d) => rowsOf.get(d.dataFile));
        const residual = rowMatcher<Row>(task.residual, valueOf);
        for (const row of rowsOf.get(task.dataFile)?.rows ?? []) {
          const gone = applied.some((keys) => keys !== undefined && isDeleted(row, keys));
          if (!gone && residual(row) && matches(row)) found.push(row);
          // Rows that do not match must be gone by the residual alone, unless files are whole.
          else if (!gone && residual(row)) assert.ok(wholeFiles, "a residual lets a row through");
        }
      }

      const isGlobal = (keys: WrittenFile) =>
        tableSpecs.some((spec) => spec.specId === keys.file.specId && isUnpartitioned(spec));
      const expected = data.flatMap((written) =>
        written.rows.filter((row) =>
          matches(row) &&
          !deletes.some((keys) =>
            written.sequenceNumber < keys.sequenceNumber &&
            (isGlobal(keys) || samePartition(written.file, keys.file)) && isDeleted(row, keys)
          )
        )
      );
      assert.deepEqual(new Set(found), new Set(expected));
      assert.equal(found.length, expected.length);
    },
  );
  await fc.assert(property, { numRuns: 500 });
});
