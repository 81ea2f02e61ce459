/** Updates of schemas (spec: "Schema Evolution"; ids of fields and schemas are never used again). */
import type { Schema as SchemaType } from "../spec/schema.ts";
import { Schema } from "../spec/schema.ts";
import type { FormatVersion, TableMetadata } from "../spec/table_metadata.ts";
import { edited, invalidUpdate, type MetadataDraft, nextId, type UpdateOf } from "./_draft.ts";
import { isSameSchema } from "./same_parts.ts";
import { LAST_ADDED } from "./table_update.ts";

/** Types that came with v3. */
const V3_TYPES: ReadonlySet<string> = new Set([
  "unknown",
  "variant",
  "timestamp_ns",
  "timestamptz_ns",
  "geometry",
  "geography",
]);

/** `add-schema`: known fields keep the known id. */
export function addSchema(
  draft: MetadataDraft,
  { schema }: UpdateOf<"add-schema">,
): MetadataDraft {
  const { metadata } = draft;
  checkSchemaVersion(schema, metadata.formatVersion);
  const lastColumnId = Math.max(metadata.lastColumnId, schema.highestFieldId());
  const known = metadata.schemas.find((one) => isSameSchema(one, schema));
  if (known !== undefined) {
    const same = { ...draft, lastSchemaId: known.schemaId };
    return lastColumnId === metadata.lastColumnId ? same : edited(same, { lastColumnId });
  }
  const schemaId = nextSchemaId(metadata);
  if (draft.retiredSchemaIds.has(schemaId)) {
    throw invalidUpdate(
      `Cannot add a schema in the commit that removes schema ${schemaId}: it would take over ` +
        "that id; add it in a commit of its own",
    );
  }
  const { fields, identifierFieldIds, extra } = schema;
  const added = new Schema({
    schemaId,
    fields,
    identifierFieldIds,
    ...(extra === undefined ? {} : { extra }),
  });
  return {
    ...edited(draft, { lastColumnId, schemas: [...metadata.schemas, added] }),
    lastSchemaId: schemaId,
  };
}

/** `set-current-schema`. */
export function setCurrentSchema(
  draft: MetadataDraft,
  update: UpdateOf<"set-current-schema">,
): MetadataDraft {
  const schemaId = update.schemaId === LAST_ADDED ? draft.lastSchemaId : update.schemaId;
  if (schemaId === null) {
    throw invalidUpdate("Cannot set the current schema to the last added one: none was added");
  }
  const { currentSchemaId, schemas } = draft.metadata;
  if (schemaId === currentSchemaId) return draft;
  if (!schemas.some((schema) => schema.schemaId === schemaId)) {
    throw invalidUpdate(
      `Cannot set the current schema to ${schemaId}: the table has no such schema`,
    );
  }
  return edited(draft, { currentSchemaId: schemaId });
}

/** `remove-schemas`: ids that the table does not have are passed over. */
export function removeSchemas(
  draft: MetadataDraft,
  { schemaIds }: UpdateOf<"remove-schemas">,
): MetadataDraft {
  const { schemas, currentSchemaId } = draft.metadata;
  if (schemaIds.includes(currentSchemaId)) {
    throw invalidUpdate(`Cannot remove schema ${currentSchemaId}: it is the current one`);
  }
  const left = schemas.filter((schema) => !schemaIds.includes(schema.schemaId));
  if (left.length === schemas.length) return draft;
  const retiredSchemaIds = draft.retiredSchemaIds.union(new Set(schemaIds));
  return { ...edited(draft, { schemas: left }), retiredSchemaIds };
}

/** Ids that only snapshots still name count as well: they would get a schema that is not theirs. */
function nextSchemaId({ schemas, currentSchemaId, snapshots }: TableMetadata): number {
  const named = snapshots.flatMap(({ schemaId }) => schemaId === null ? [] : [schemaId]);
  return nextId([...schemas.map((schema) => schema.schemaId), ...named], currentSchemaId);
}

/** A reader of `version` must be able to understand every column. */
export function checkSchemaVersion(schema: SchemaType, version: FormatVersion): void {
  if (version >= 3) return;
  for (const { field, name } of schema.allFields()) {
    const { kind } = field.type;
    if (V3_TYPES.has(kind)) {
      throw invalidUpdate(
        `Cannot add a schema with column "${name}": tables of format version ${version} have no ` +
          `type ${kind}; upgrade the table to version 3`,
      );
    }
    if (field.initialDefault !== undefined && field.initialDefault !== null) {
      throw invalidUpdate(
        `Cannot add a schema with column "${name}": tables of format version ${version} have no ` +
          "initial defaults; upgrade the table to version 3",
      );
    }
  }
}
