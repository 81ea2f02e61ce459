/** Maintenance's verbs over an operation runner that only remembers what it was asked. */
import type { Role } from "../../../lib/access/mod.ts";
import type { Catalog, TableLocation } from "../../../lib/catalog/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { createMaintenance } from "../../../lib/maintenance/mod.ts";
import type {
  JobOperation,
  OperationContext,
  OperationRunner,
  StartedOperation,
} from "../../../lib/operations/mod.ts";
import type { SqlReader } from "../../../lib/state/mod.ts";
import { standIn } from "../../support/stand_in.ts";

/** When the tests happen. */
export const NOW_MS = Date.UTC(2026, 0, 20, 12);

/** Where the one table lies. */
export const LOCATION: TableLocation = {
  kind: "file",
  identifier: { namespace: ["db"], name: "events" },
  metadataLocation: "/w/db/events/metadata/v1.metadata.json",
  storage: { local: null, s3: null },
  foundAt: null,
};

/** An operation with its types forgotten. */
export type AskedOperation = JobOperation<Record<string, unknown>, Record<string, unknown>>;

/** The verbs, and every operation that they asked for. */
export function verbs() {
  const asked: AskedOperation[] = [];
  const operations: OperationRunner = {
    run(_ctx, operation) {
      // deno-lint-ignore no-explicit-any -- one list holds operations of every type
      asked.push(operation as any);
      return Promise.resolve(standIn<StartedOperation>({ id: "op-1", kind: operation.kind }));
    },
  };
  const clock = { now: () => NOW_MS };
  const state: SqlReader = { read: () => Promise.resolve([]) };
  return { maintenance: createMaintenance({ operations, state, clock }), asked };
}

/** What the first operation asks of its job, once its table was found. */
export async function prepared(asked: readonly AskedOperation[]) {
  const [operation] = asked;
  if (operation === undefined) throw new TypeError("Nothing was asked for");
  const catalog = standIn<Catalog>({
    name: "drls",
    locate(name) {
      if (name === "db.events") return Promise.resolve(LOCATION);
      return Promise.reject(new AppError("not_found", "table_not_found", "Cannot find it"));
    },
  });
  const { table, params } = await operation.prepare(catalog, new AbortController().signal);
  const { location, ...rest } = operation.job.params.parse(params);
  return { table, location, params: rest };
}

/** The context of a call. */
export function context(role: Role = "DataEngineer"): OperationContext {
  return {
    principal: { id: "p1", name: role, role, credential: { kind: "token", tokenId: "t1" } },
    requestId: "r1",
    signal: new AbortController().signal,
    agent: null,
  };
}
