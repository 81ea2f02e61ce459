/** Answers of operations and of the verbs that start them, for tests of the transport. */
import type { Maintenance } from "../../lib/maintenance/mod.ts";
import type { Operation, Operations, StartedOperation } from "../../lib/operations/mod.ts";
import type { TableChanges } from "../../lib/tables/mod.ts";

const ID = "01990000-0000-7000-8000-000000000001";

/** An operation that has succeeded. */
export const OPERATION: Operation = {
  id: ID,
  operation: "compact",
  table: "db.events",
  state: "succeeded",
  dry_run: false,
  input: {},
  progress: null,
  result: {
    success: true,
    operation: "compact",
    table: "db.events",
    details_json: "{}",
    operation_id: ID,
  },
  error: null,
  principal: "ann",
  agent: null,
  created_at: "2026-01-01T00:00:00.000Z",
  started_at: "2026-01-01T00:00:00.000Z",
  ended_at: "2026-01-01T00:00:01.000Z",
  cancel_requested_at: null,
};

function started(): Promise<StartedOperation> {
  return Promise.resolve({
    id: ID,
    kind: "compact",
    table: "db.events",
    detached: false,
    replayed: false,
    result: Promise.resolve(OPERATION.result!),
  });
}

/** Verbs that succeed at once. */
export const maintenanceAnswers: Maintenance = {
  compact: started,
  expire: started,
  removeOrphans: started,
  rewriteManifests: started,
};

/** Changes that succeed at once. */
export const tableChangeAnswers: TableChanges = {
  append: started,
  addColumn: started,
  renameColumn: started,
  dropColumn: started,
  updateColumn: started,
  rollback: started,
  create: started,
  drop: started,
};

/** One operation, whatever is asked for. */
export const operationAnswers: Partial<Operations> = {
  list: () => Promise.resolve({ operations: [OPERATION] }),
  get: () => Promise.resolve(OPERATION),
  cancel: () => Promise.resolve(OPERATION),
  watch: () => Promise.resolve(events()),
};

async function* events() {
  yield await Promise.resolve({ id: "end", type: "end" as const, operation: OPERATION });
}
