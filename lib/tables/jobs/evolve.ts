/** Changes one column of a table. */
import { applyUpdates } from "../../iceberg/commit/apply_updates.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import { findColumnByText } from "../../iceberg/ddl/column_name.ts";
import { parseSqlType } from "../../iceberg/ddl/parse_sql_type.ts";
import {
  evolveSchemaAction,
  evolveTable,
  type SchemaEvolution,
} from "../../iceberg/evolve/evolve_action.ts";
import type { SchemaChange } from "../../iceberg/evolve/schema_change.ts";
import type { FieldPath, Schema } from "../../iceberg/spec/schema.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import type { ColumnChange, EvolveParams } from "../contract/change_jobs.ts";
import type { ColumnReceipt } from "../contract/change_receipts.ts";
import { describeColumn } from "../contract/describe_column.ts";
import { requireWritable } from "../../iceberg/require_writable.ts";

/** Implements `evolveJob`. */
export async function evolve(params: EvolveParams, host: JobHost): Promise<ColumnReceipt> {
  const { location, dryRun, change } = params;
  const store = host.openTable(location);
  const changes = [toSchemaChange(change)];
  const receipt = (metadata: TableMetadata, evolution: SchemaEvolution) =>
    describeEvolution({ metadata, evolution, change, nowMs: host.clock.now() });
  if (dryRun) {
    const table = await store.load(host.signal);
    requireWritable(table);
    return receipt(table.metadata, evolveTable(table.metadata, changes));
  }
  // The last attempt is the one that was committed.
  const attempts: ColumnReceipt[] = [];
  const action = evolveSchemaAction(changes, (evolution, metadata) => {
    const outcome = receipt(metadata, evolution);
    attempts.push(outcome);
    if (outcome.changed) host.announce(outcome);
  });
  await commitTransaction(store, [action], {
    operationId: host.operationId,
    signal: host.signal,
    runtime: { ...systemCommitRuntime, clock: host.clock },
  });
  const last = attempts.at(-1);
  if (last === undefined) throw new TypeError("The transaction ended without an attempt");
  return last;
}

function toSchemaChange(change: ColumnChange): SchemaChange {
  switch (change.kind) {
    case "add":
      return { ...change, type: parseSqlType(change.type) };
    case "update": {
      const { type } = change;
      return { ...change, type: type === undefined ? undefined : parseSqlType(type) };
    }
    default:
      return change;
  }
}

interface Evolved {
  readonly metadata: TableMetadata;
  readonly evolution: SchemaEvolution;
  readonly change: ColumnChange;
  readonly nowMs: number;
}

function describeEvolution({ metadata, evolution, change, nowMs }: Evolved): ColumnReceipt {
  const { before, schema, updates, changed } = evolution;
  const evolved = applyUpdates(metadata, updates, { nowMs });
  const id = change.kind === "add"
    // The first id that was free.
    ? Math.max(metadata.lastColumnId, before.highestFieldId()) + 1
    : findColumnByText(before, change.name)?.field.id ?? 0;
  const [old, now] = [before.findById(id), schema.findById(id)];
  return {
    changed,
    column: now?.name ?? old?.name ?? change.name,
    field_id: id,
    before: old === undefined ? null : describeColumn(old.field),
    after: now === undefined ? null : describeColumn(now.field),
    position: now === undefined ? null : positionOf(schema, now),
    previous_schema_id: metadata.currentSchemaId,
    schema_id: evolved.currentSchemaId,
    last_column_id: evolved.lastColumnId,
    changed_properties: updates.flatMap((update) =>
      update.action === "set-properties"
        ? Object.keys(update.updates)
        : update.action === "remove-properties"
        ? update.removals
        : []
    ).sort(),
    warnings: evolution.nameMappingUnreadable ? [NAME_MAPPING_WARNING] : [],
  };
}

const NAME_MAPPING_WARNING =
  "the table property schema.name-mapping.default cannot be read, and does not learn the new name";

/** Place among the fields of its struct; null for elements, keys and values. */
function positionOf(schema: Schema, { field, parentId }: FieldPath): number | null {
  const parent = parentId === null ? null : schema.findById(parentId)?.field.type;
  const siblings = parent === null ? schema.fields : parent?.kind === "struct" ? parent.fields : [];
  const index = siblings.findIndex(({ id }) => id === field.id);
  return index === -1 ? null : index;
}
