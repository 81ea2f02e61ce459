/** Tables that tests create, change and race for. */
import assert from "node:assert/strict";
import type {
  Catalog,
  CatalogGateway,
  TableDefinition,
  TableLocation,
} from "../../lib/catalog/mod.ts";
import { openTableStore } from "../../lib/catalog/commit/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import type { StoreCommitOptions, TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { LAST_ADDED } from "../../lib/iceberg/commit/table_update.ts";
import { commitTransaction } from "../../lib/iceberg/commit/transaction.ts";
import type { FileIo, LoadedTable } from "../../lib/iceberg/ports.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import { currentSchema } from "../../lib/iceberg/spec/table_metadata.ts";
import type { NestedField, Type } from "../../lib/iceberg/spec/types.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { openStorage } from "../../lib/storage/mod.ts";

/** A field with neither comment nor defaults. */
export function field(id: number, name: string, type: Type = { kind: "long" }): NestedField {
  return {
    id,
    name,
    required: false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

/** `{id long, name string}`, unpartitioned, unless `overrides` say otherwise. */
export function definitionOf(
  name: string,
  overrides: Partial<TableDefinition> = {},
): TableDefinition {
  const levels = name.split(".");
  return {
    identifier: { namespace: levels.slice(0, -1), name: levels.at(-1) ?? "" },
    schema: new Schema({
      schemaId: 0,
      fields: [field(1, "id"), field(2, "name", { kind: "string" })],
      identifierFieldIds: [],
    }),
    spec: { specId: 0, fields: [] },
    sortOrder: { orderId: 0, fields: [] },
    properties: {},
    formatVersion: 2,
    ...overrides,
  };
}

/** Retries that outlast any crowd of a test. */
export const PATIENT: Readonly<Record<string, string>> = {
  "commit.retry.num-retries": "1000",
  "commit.retry.min-wait-ms": "2",
  "commit.retry.max-wait-ms": "60",
  "commit.status-check.min-wait-ms": "5",
};

/** The catalog as an isolate sees it. */
export function gatewayOf(catalog: Catalog): CatalogGateway {
  return {
    locate: (identifier, options) => catalog.locateExactly(identifier, options),
    commit: (identifier, commit, options) => catalog.commit(identifier, commit, options),
    drop: (location, options) => catalog.dropTable(location, options),
  };
}

/** A located table, opened for changing. */
export function storeOf(catalog: Catalog, location: TableLocation, io?: FileIo): TableStore {
  const open = io === undefined ? openStorage : () => io;
  return openTableStore(location, { gateway: gatewayOf(catalog), openStorage: open });
}

/** Ids for one commit outside of a transaction. */
export function commitIds(): StoreCommitOptions {
  return { operationId: uuidV7(Date.now()), commitId: uuidV7(Date.now()) };
}

/** Sets table properties. */
export function settingProperties(updates: Readonly<Record<string, string>>): CommitAction {
  return {
    name: "set properties",
    apply: () =>
      Promise.resolve({ requirements: [], updates: [{ action: "set-properties", updates }] }),
  };
}

/** Adds an optional long column, on top of whatever columns there are by then. */
export function addingColumn(name: string): CommitAction {
  return {
    name: "add column",
    apply({ table: { metadata } }) {
      const { fields, schemaId, identifierFieldIds } = currentSchema(metadata);
      const added = field(metadata.lastColumnId + 1, name);
      const schema = new Schema({
        schemaId: Math.max(...metadata.schemas.map((one) => one.schemaId)) + 1,
        fields: [...fields, added],
        identifierFieldIds,
      });
      return Promise.resolve({
        requirements: [
          { type: "assert-last-assigned-field-id", lastAssignedFieldId: metadata.lastColumnId },
          { type: "assert-current-schema-id", currentSchemaId: schemaId },
        ],
        updates: [
          { action: "add-schema", schema },
          { action: "set-current-schema", schemaId: LAST_ADDED },
        ],
      });
    },
  };
}

/** Commits one action as a transaction of its own. */
export async function commitOne(store: TableStore, action: CommitAction): Promise<LoadedTable> {
  const result = await commitTransaction(store, [action], { operationId: uuidV7(Date.now()) });
  return result.table;
}

/** What became of the columns that writers added. */
export interface RaceOutcome {
  readonly acknowledged: readonly string[];
  /** Neither acknowledged nor refused. */
  readonly unknown: readonly string[];
}

/** Adds `commits` columns through each store, all stores at once. */
export async function raceColumns(
  stores: readonly TableStore[],
  { commits, label = "c" }: { readonly commits: number; readonly label?: string },
): Promise<RaceOutcome> {
  const acknowledged: string[] = [];
  const unknown: string[] = [];
  await Promise.all(stores.map(async (store, writer) => {
    for (let n = 0; n < commits; n++) {
      const name = `${label}_${writer}_${n}`;
      try {
        await commitOne(store, addingColumn(name));
        acknowledged.push(name);
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== "commit_state_unknown") throw error;
        unknown.push(name);
      }
    }
  }));
  return { acknowledged, unknown };
}

/** Every acknowledged column is there once, under an id of its own, and nothing that was refused. */
export function assertColumnsOnce(table: LoadedTable, outcome: RaceOutcome): void {
  const { fields } = currentSchema(table.metadata);
  const names = fields.map((one) => one.name);
  assert.equal(new Set(names).size, names.length, "a column is there twice");
  assert.equal(new Set(fields.map((one) => one.id)).size, fields.length, "an id is there twice");
  assert.deepEqual(outcome.acknowledged.filter((name) => !names.includes(name)), []);
  const known = new Set(["id", "name", ...outcome.acknowledged, ...outcome.unknown]);
  assert.deepEqual(names.filter((name) => !known.has(name)), []);
}
