import assert from "node:assert/strict";
import type { RecordBatch } from "apache-arrow";
import { makeBatch } from "../../../lib/columnar/mod.ts";
import { arrowSchema } from "../../../lib/columnar/arrow/arrow_schema.ts";
import { batchOfRows } from "../../support/rows.ts";
import { collect, db, feed, never, open, schemaOf } from "./_transforms.ts";

const SCHEMA = schemaOf({
  id: { kind: "long" },
  name: { kind: "string" },
  seen: { kind: "timestamp" },
  tags: { kind: "list", elementId: 10, elementRequired: false, element: { kind: "string" } },
});

/** Statements, and whether each row that comes out depends on one row alone. */
const STATEMENTS: readonly (readonly [string, boolean])[] = [
  ["SELECT * FROM batch", true],
  ["FROM batch", true],
  ["SELECT id + 1 AS n, upper(name) AS u FROM batch WHERE id > 3", true],
  ["SELECT DISTINCT_name FROM (SELECT name AS DISTINCT_name FROM batch)", true],
  ["WITH w AS (SELECT id FROM batch) SELECT id * 2 AS d FROM w", true],
  ["SELECT CASE WHEN id > 1 THEN name END AS n FROM batch WHERE name LIKE '%a%'", true],
  ["SELECT now() AS n, id FROM batch", true],
  ["SELECT list_transform(tags, t -> upper(t)) AS t FROM batch", true],
  ["SELECT id FROM batch WHERE id IN (1, 2, 3)", true],
  ["SELECT random FROM (SELECT id AS random FROM batch)", true],
  ["SELECT random() AS r FROM batch", false],
  ["SELECT id FROM batch WHERE random() < 0.5", false],
  ["SELECT gen_random_uuid() AS u, id FROM batch", false],
  ['SELECT "uuid"() AS u FROM batch', false],
  ["SELECT count(*) AS n FROM batch", false],
  ["SELECT name, max(id) AS m FROM batch GROUP BY name", false],
  ["SELECT DISTINCT name FROM batch", false],
  ["SELECT id, row_number() OVER () AS n FROM batch", false],
  ["SELECT id, lag(id) OVER (ORDER BY seen) AS before FROM batch", false],
  [
    "SELECT id FROM batch QUALIFY row_number() OVER (PARTITION BY name ORDER BY seen DESC) = 1",
    false,
  ],
  ["SELECT id FROM batch ORDER BY id", false],
  ["SELECT id FROM batch LIMIT 10", false],
  ["SELECT id FROM batch LIMIT 10 OFFSET 2", false],
  ["SELECT id FROM batch USING SAMPLE 10 ROWS", false],
  ["SELECT id FROM batch WHERE id = (SELECT max(id) FROM batch)", false],
  ["SELECT id FROM batch WHERE id IN (SELECT id FROM batch WHERE name = 'a')", false],
  ["SELECT a.id FROM batch a JOIN batch b ON a.id = b.id + 1", false],
  ["SELECT id FROM batch UNION ALL SELECT id FROM batch", false],
  ["SELECT id FROM batch EXCEPT SELECT 1", false],
  ["SELECT id, v.n FROM batch, (VALUES (1), (2)) v(n)", false],
  ["SELECT sum(id) OVER (ORDER BY seen) AS total FROM batch", false],
  ["WITH w AS MATERIALIZED (FROM batch) SELECT id FROM w", false],
];

for (const [transform, isRowWise] of STATEMENTS) {
  Deno.test(`${isRowWise ? "row by row" : "not row by row"}: ${transform}`, async () => {
    assert.equal((await open(SCHEMA, { transform })).isRowWise, isRowWise);
  });
}

Deno.test("a condition that is volatile makes the whole neither row-wise nor repeatable", async () => {
  const where = "random() < 2";
  for (const transform of [null, "SELECT id FROM batch"]) {
    const { isRowWise, isRepeatable } = await open(SCHEMA, { where, transform });
    assert.deepEqual({ isRowWise, isRepeatable }, { isRowWise: false, isRepeatable: false });
  }
});

Deno.test("what asks for the time is not repeatable, everything else is", async () => {
  const repeatable = async (transform: string) => (await open(SCHEMA, { transform })).isRepeatable;
  for (const call of ["now()", "CURRENT_TIMESTAMP", "today()", "localtimestamp"]) {
    assert.equal(await repeatable(`SELECT ${call} AS t FROM batch`), false, call);
  }
  assert.equal(await repeatable("SELECT max(id) AS m FROM batch"), true);
});

const MILLION = 1_000_000;
const NUMBERS = schemaOf({ id: { kind: "long" }, text: { kind: "string" } });

/** A million rows of 100 bytes, of which a batch is there at a time. */
async function* million(): AsyncGenerator<RecordBatch> {
  const length = 50_000;
  const texts = batchOfRows(
    NUMBERS.fields,
    Array.from({ length }, (_, i) => [0n, `${i}`.padStart(92, "x")] as const),
  );
  for (let from = 0; from < MILLION; from += length) {
    await Promise.resolve();
    const ids = BigInt64Array.from({ length }, (_, i) => BigInt(from + i));
    const [id, text] = texts.data.children;
    const own = id!.clone(id!.type, 0, length, 0, [undefined, ids, undefined, undefined] as never);
    yield makeBatch(arrowSchema(NUMBERS), [own, text!], { length });
  }
}

Deno.test("a million rows stream through a row-wise transform in bounded memory, in order", async () => {
  const transform = await open(NUMBERS, {
    where: "id % 2 = 0",
    transform: "SELECT id // 2 AS half, upper(text) AS t, length(text) AS n FROM batch",
  });
  // So that what the engine takes for a piece is there already.
  await collect(transform, feed(NUMBERS, [[1n, "a"]]));
  const before = db.heapBytes;
  let next = 0;
  for await (const batch of transform.run(million(), never)) {
    const halves: BigInt64Array = batch.data.children[0]!.values;
    for (let row = 0; row < batch.numRows; row++) {
      assert.equal(Number(halves[row]), next);
      next++;
    }
  }
  assert.equal(next, MILLION / 2);
  // All of it would be 100 MB in, and as much out.
  assert.ok(db.heapBytes - before < 64 * 1024 * 1024, `${db.heapBytes - before}`);
});

Deno.test("a row far inside that fails ends a stream with an error, not with fewer rows", async () => {
  const transform = await open(NUMBERS, {
    transform: `SELECT CASE WHEN id = ${MILLION - 1} THEN text::INTEGER ELSE 0 END AS n FROM batch`,
  });
  let seen = 0;
  const drained = (async () => {
    for await (const batch of transform.run(million(), never)) seen += batch.numRows;
  })();
  await assert.rejects(drained, { kind: "invalid", code: "transform_failed" });
  assert.ok(seen > 0 && seen < MILLION);
});
