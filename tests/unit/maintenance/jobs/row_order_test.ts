import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { rowOrderOf, type RowOrderRequest } from "../../../../lib/maintenance/jobs/mod.ts";
import type { SortOrder } from "../../../../lib/iceberg/spec/sort_order.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { BASE_SCHEMA, emptyTable } from "../../../support/commit_fixture.ts";

const zOrder = { varLengthContribution: 8, maxOutputSize: 100 };

function orderOf(request: Partial<RowOrderRequest>, more: Partial<TableMetadata> = {}) {
  return rowOrderOf(emptyTable({ schemas: [BASE_SCHEMA], ...more }), {
    strategy: "sort",
    sortOrder: null,
    zOrder,
    ...request,
  });
}

const BY_ID: SortOrder = {
  orderId: 3,
  fields: [{
    sourceIds: [1],
    transform: { kind: "identity" },
    direction: "desc",
    nullOrder: "nulls-last",
  }],
};

const withOrder = { sortOrders: [{ orderId: 0, fields: [] }, BY_ID], defaultSortOrderId: 3 };

function refused(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    assert(error instanceof AppError && error.kind === "invalid");
    return [error.code, ...error.issues.map(({ path }) => path)];
  }
  assert.fail("was not refused");
}

Deno.test("rowOrderOf() leaves rows as they are for bin packing, sorted table or not", () => {
  assert.deepEqual(orderOf({ strategy: "binpack" }, withOrder), { kind: "as_is" });
});

Deno.test("rowOrderOf() takes the table's own order where none is named", () => {
  assert.deepEqual(orderOf({}, withOrder), { kind: "sort", order: BY_ID });
  assert.deepEqual(refused(() => orderOf({})), ["sort_order_missing", "sort_order"]);
});

Deno.test("rowOrderOf() knows an order of the table again, and gives others the id 0", () => {
  const named = orderOf({ sortOrder: "id desc nulls last" }, withOrder);
  assert.deepEqual(named, { kind: "sort", order: BY_ID });
  const other = orderOf({ sortOrder: "id asc, region" }, withOrder);
  assert(other.kind === "sort");
  assert.equal(other.order.orderId, 0);
  assert.deepEqual(other.order.fields.map(({ sourceIds }) => sourceIds), [[1], [3]]);
});

Deno.test("rowOrderOf() z-orders by columns, without those that the table is partitioned by", () => {
  const sortOrder = "zorder(id, region, ts)";
  assert.deepEqual(orderOf({ strategy: "zorder", sortOrder }), {
    kind: "zorder",
    columns: ["id", "region", "ts"],
    options: zOrder,
  });
  const partitionSpecs = [{
    specId: 0,
    fields: [{
      sourceIds: [3],
      fieldId: 1000,
      name: "region",
      transform: { kind: "identity" as const },
    }],
  }];
  const within = orderOf({ strategy: "zorder", sortOrder }, { partitionSpecs });
  assert.deepEqual(within.kind === "zorder" && within.columns, ["id", "ts"]);
  assert.deepEqual(
    refused(() => orderOf({ strategy: "zorder", sortOrder: "zorder(region)" }, { partitionSpecs })),
    ["zorder_invalid", "sort_order"],
  );
});

Deno.test("rowOrderOf() refuses what does not parse or names no column, by field", () => {
  for (const sortOrder of ["id sideways", "nothing", "", "zorder()"]) {
    assert.equal(refused(() => orderOf({ sortOrder })).at(-1), "sort_order", sortOrder);
  }
});
