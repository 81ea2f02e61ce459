/** Changing the columns of tables, and going back to an earlier state. */
import {
  AddColumnRequest,
  DropColumnRequest,
  RenameColumnRequest,
  RollbackRequest,
  UpdateColumnRequest,
} from "../lib/tables/mod.ts";
import { operationRoute } from "./_operation_route.ts";
import type { Route } from "./_route.ts";

/** `POST /api/evolve/…` and `POST /api/rollback`. */
export const evolveRoutes: readonly Route[] = [
  operationRoute({
    path: "/api/evolve/add-column",
    operation: "addColumn",
    summary: "Add a column to a table",
    description: "Data files stay as they are: rows that exist have null in it, or in format " +
      "version 3 its default.",
    body: AddColumnRequest,
    start: ({ tableChanges }, ctx, body) => tableChanges.addColumn(ctx, body),
  }),
  operationRoute({
    path: "/api/evolve/rename-column",
    operation: "renameColumn",
    summary: "Rename a column",
    description: "Data files stay as they are: columns are found by their id, which stays.",
    body: RenameColumnRequest,
    start: ({ tableChanges }, ctx, body) => tableChanges.renameColumn(ctx, body),
  }),
  operationRoute({
    path: "/api/evolve/drop-column",
    operation: "dropColumn",
    summary: "Drop a column",
    description: "Data files keep it until they are rewritten. Refused where new files are " +
      "partitioned or sorted by it, or rows are identified by it.",
    body: DropColumnRequest,
    start: ({ tableChanges }, ctx, body) => tableChanges.dropColumn(ctx, body),
  }),
  operationRoute({
    path: "/api/evolve/update-column",
    operation: "updateColumn",
    summary: "Change a column's type, nullability, comment, default or place",
    description: "Types widen only: int to bigint, float to double, decimals to more digits, and " +
      "in format version 3 date to timestamp_ntz. A nullable column cannot become required.",
    body: UpdateColumnRequest,
    start: ({ tableChanges }, ctx, body) => tableChanges.updateColumn(ctx, body),
  }),
  operationRoute({
    path: "/api/rollback",
    operation: "rollbackTable",
    summary: "Make an earlier snapshot the current one",
    description: "The snapshot must be an ancestor of the current one. Later snapshots stay in " +
      "the table until they expire.",
    body: RollbackRequest,
    start: ({ tableChanges }, ctx, body) => tableChanges.rollback(ctx, body),
  }),
];
