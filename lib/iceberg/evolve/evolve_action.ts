/** Schema evolution as a step of a transaction. */
import type { ActionChange, CommitAction } from "../commit/commit_action.ts";
import { LAST_ADDED, type TableUpdate } from "../commit/table_update.ts";
import type { Schema } from "../spec/schema.ts";
import { currentSchema, type TableMetadata } from "../spec/table_metadata.ts";
import { evolveProperties } from "./column_properties.ts";
import type { SchemaChange } from "./schema_change.ts";
import { type EvolvedSchema, updateSchema } from "./update_schema.ts";

/** What an evolution does to a table. */
export interface SchemaEvolution extends EvolvedSchema {
  readonly before: Schema;
  /** Empty where nothing changes. */
  readonly updates: readonly TableUpdate[];
  /** The table's name mapping cannot be read, and so does not learn the new names. */
  readonly nameMappingUnreadable: boolean;
}

/** Evolves a table's current schema, and the properties that name its columns. Throws as `updateSchema`. */
export function evolveTable(
  metadata: TableMetadata,
  changes: readonly SchemaChange[],
): SchemaEvolution {
  const before = currentSchema(metadata);
  const evolved = updateSchema(before, changes, metadata);
  if (!evolved.changed) return { ...evolved, before, updates: [], nameMappingUnreadable: false };
  const properties = evolveProperties(before, evolved.schema, metadata.properties);
  const updates: TableUpdate[] = [
    { action: "add-schema", schema: evolved.schema },
    { action: "set-current-schema", schemaId: LAST_ADDED },
  ];
  if (properties.removals.length > 0) {
    updates.push({ action: "remove-properties", removals: properties.removals });
  }
  if (Object.keys(properties.updates).length > 0) {
    updates.push({ action: "set-properties", updates: properties.updates });
  }
  const { nameMappingUnreadable } = properties;
  return { ...evolved, before, updates, nameMappingUnreadable };
}

/**
 * The action that evolves a table. `onEvolved` hears of every attempt and the metadata it was made
 * for; the last one is what was committed. Names are looked up anew in each, as another commit may have changed them.
 */
export function evolveSchemaAction(
  changes: readonly SchemaChange[],
  onEvolved: (evolution: SchemaEvolution, metadata: TableMetadata) => void = () => {},
): CommitAction {
  return {
    name: "evolve schema",
    apply({ table: { metadata } }): Promise<ActionChange> {
      const evolution = evolveTable(metadata, changes);
      onEvolved(evolution, metadata);
      const { currentSchemaId, lastColumnId: lastAssignedFieldId } = metadata;
      return Promise.resolve({
        requirements: evolution.updates.length === 0 ? [] : [
          { type: "assert-current-schema-id", currentSchemaId },
          { type: "assert-last-assigned-field-id", lastAssignedFieldId },
        ],
        updates: evolution.updates,
      });
    },
  };
}
