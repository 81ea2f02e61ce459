/** The law of pruning: it never drops a row that matches, and never claims a row that does not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { manifestMatcher } from "../../../../lib/iceberg/expression/match_manifest.ts";
import {
  metricsMayMatch,
  metricsMustMatch,
} from "../../../../lib/iceberg/expression/match_metrics.ts";
import { partitionMatcher, rowMatcher } from "../../../../lib/iceberg/expression/match_row.ts";
import { projectInclusive, projectStrict } from "../../../../lib/iceberg/expression/project.ts";
import { residualFor } from "../../../../lib/iceberg/expression/residual.ts";
import { filters } from "./_random_filter.ts";
import {
  dataFile,
  groupByPartition,
  manifestOf,
  metricsStyles,
  partitionOf,
  type Row,
  rows,
  SCHEMA,
  specs,
  valueOf,
} from "./_random_table.ts";

const RUNS = { numRuns: 1500 };

Deno.test("inclusive pruning keeps every partition, manifest and file with a matching row", () => {
  const property = fc.property(
    filters(),
    specs(),
    rows(),
    metricsStyles(),
    fc.boolean(),
    (expression, spec, table, style, buggy) => {
      const filter = bind(expression, SCHEMA);
      const matches = rowMatcher<Row>(filter, valueOf);
      const partitionFilter = projectInclusive(filter, spec);
      const mayHoldPartition = partitionMatcher(partitionFilter, spec);
      const mayHoldManifest = manifestMatcher(partitionFilter, spec);
      const mayHoldFile = metricsMayMatch(filter);
      const groups = groupByPartition(table, (row) => partitionOf(row, spec, buggy));
      const kept = groups.filter((group) => group.rows.some(matches));
      for (const { partition, rows } of kept) {
        assert.ok(mayHoldPartition(partition), "a partition with a matching row was dropped");
        const file = dataFile(rows, partition, style);
        assert.ok(mayHoldFile(file), "a file with a matching row was dropped");
      }
      const manifest = manifestOf(groups.map((g) => g.partition), spec, { nan: style.nanCounts });
      if (kept.length > 0) assert.ok(mayHoldManifest(manifest), "a manifest was dropped");
    },
  );
  fc.assert(property, RUNS);
});

Deno.test("strict pruning claims only partitions and files whose every row matches", () => {
  const property = fc.property(
    filters(),
    specs(),
    rows(),
    metricsStyles(),
    fc.boolean(),
    (expression, spec, table, style, buggy) => {
      const filter = bind(expression, SCHEMA);
      const matches = rowMatcher<Row>(filter, valueOf);
      const claimsPartition = partitionMatcher(projectStrict(filter, spec), spec);
      const claimsFile = metricsMustMatch(filter);
      for (
        const { partition, rows } of groupByPartition(
          table,
          (row) => partitionOf(row, spec, buggy),
        )
      ) {
        const all = rows.every(matches);
        if (claimsPartition(partition)) assert.ok(all, "a partition was claimed falsely");
        if (claimsFile(dataFile(rows, partition, style))) {
          assert.ok(all, "a file was claimed falsely");
        }
      }
    },
  );
  fc.assert(property, RUNS);
});

Deno.test("residualFor() keeps the answer of every row of the partition", () => {
  const property = fc.property(filters(), specs(), rows(), (expression, spec, table) => {
    const filter = bind(expression, SCHEMA);
    const matches = rowMatcher<Row>(filter, valueOf);
    const residualOf = residualFor(filter, spec);
    for (const row of table) {
      const left = rowMatcher<Row>(residualOf(partitionOf(row, spec)), valueOf);
      assert.equal(left(row), matches(row));
    }
  });
  fc.assert(property, RUNS);
});

Deno.test("pruning is not idle: on random tables it drops and claims a fair share of files", () => {
  const counts = { files: 0, dropped: 0, claimed: 0, partitionsDropped: 0, residualsSolved: 0 };
  const style = {
    counts: true,
    nanCounts: true,
    bounds: true,
    truncate: 0,
    skipNullStructs: false,
  };
  const property = fc.property(filters(), specs(), rows(), (expression, spec, table) => {
    const filter = bind(expression, SCHEMA);
    const partitionFilter = partitionMatcher(projectInclusive(filter, spec), spec);
    const residualOf = residualFor(filter, spec);
    for (const { partition, rows } of groupByPartition(table, (row) => partitionOf(row, spec))) {
      const file = dataFile(rows, partition, style);
      counts.files++;
      if (!metricsMayMatch(filter)(file)) counts.dropped++;
      if (metricsMustMatch(filter)(file)) counts.claimed++;
      if (!partitionFilter(partition)) counts.partitionsDropped++;
      if (filter.kind !== "constant" && residualOf(partition).kind === "constant") {
        counts.residualsSolved++;
      }
    }
  });
  fc.assert(property, { numRuns: 500, seed: 7 });
  assert.ok(counts.dropped > counts.files / 10, JSON.stringify(counts));
  assert.ok(counts.claimed > counts.files / 10, JSON.stringify(counts));
  assert.ok(counts.partitionsDropped > counts.files / 50, JSON.stringify(counts));
  assert.ok(counts.residualsSolved > counts.files / 50, JSON.stringify(counts));
});
