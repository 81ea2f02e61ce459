/** The table verbs: check the role, resolve the name, read. */
import { type CallContext, requireRole } from "../access/mod.ts";
import { type Catalog, findTable, type TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { pinsOf, toNamedPins } from "../pins/mod.ts";
import type { SqlReader } from "../state/mod.ts";
import type {
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableList,
  TableSchema,
} from "./contract/schemas.ts";
import type { FileQuery, Page, TableReader } from "./contract/table_reader.ts";

/** What the verbs stand on. */
export interface TablesDeps {
  /** Runs `fn` with the configured catalog, which stays open until it settles. */
  readonly withCatalog: <T>(fn: (catalog: Catalog) => Promise<T>) => Promise<T>;
  readonly reader: TableReader;
  /** Knows who reads which snapshots. */
  readonly state: SqlReader;
  readonly clock: Clock;
}

/** The table verbs. Names are `namespace.table` or `catalog.namespace.table`. */
export interface Tables {
  list(ctx: CallContext, page: Page): Promise<TableList>;
  schema(ctx: CallContext, table: string): Promise<TableSchema>;
  snapshots(ctx: CallContext, input: { table: string } & Page): Promise<SnapshotList>;
  refs(ctx: CallContext, input: { table: string } & Page): Promise<RefList>;
  files(ctx: CallContext, input: { table: string } & FileQuery): Promise<FileList>;
  health(ctx: CallContext, table: string): Promise<HealthReport>;
}

/** Builds the table verbs. */
export function createTables(deps: TablesDeps): Tables {
  const { reader, state, clock } = deps;
  const locate = (ctx: CallContext, table: string) => locateTable(deps, ctx, table);
  return {
    list: (ctx, page) => listTables(deps, ctx, page),
    async schema(ctx, table) {
      return await reader.schema(await locate(ctx, table), ctx);
    },
    async snapshots(ctx, { table, ...page }) {
      return await reader.snapshots(await locate(ctx, table), page, ctx);
    },
    async refs(ctx, { table, ...page }) {
      return await reader.refs(await locate(ctx, table), page, ctx);
    },
    async files(ctx, { table, ...query }) {
      return await reader.files(await locate(ctx, table), query, ctx);
    },
    async health(ctx, table) {
      const location = await locate(ctx, table);
      const name = formatIdentifier(location.identifier);
      const pins = toNamedPins(await pinsOf(state, { table: name, nowMs: clock.now() }));
      return await reader.health(location, { signal: ctx.signal, pins });
    },
  };
}

async function locateTable(
  deps: TablesDeps,
  ctx: CallContext,
  table: string,
): Promise<TableLocation> {
  requireRole(ctx, "Auditor", "table.read");
  return await deps.withCatalog((catalog) => findTable(catalog, table, { signal: ctx.signal }));
}

async function listTables(deps: TablesDeps, ctx: CallContext, page: Page): Promise<TableList> {
  requireRole(ctx, "Auditor", "table.list");
  const after = page.cursor === null ? null : decodeCursor("tables", page.cursor, { parts: 1 })[0];
  const options = { signal: ctx.signal };
  const [namespaces, identifiers] = await deps.withCatalog((catalog) =>
    Promise.all([catalog.listNamespaces(options), catalog.listTables(options)])
  );
  const names = identifiers.map(formatIdentifier).sort();
  // A table may be dropped between pages: the next page starts after the last name, not after a row.
  const start = after === null || after === undefined ? 0 : names.findIndex((name) => name > after);
  const tables = start === -1 ? [] : names.slice(start, start + page.limit);
  const last = tables.at(-1);
  const more = start !== -1 && start + page.limit < names.length && last !== undefined;
  return {
    namespaces: namespaces.map((levels) => levels.join(".")),
    tables,
    ...(more ? { next_cursor: encodeCursor("tables", [last]) } : {}),
  };
}
