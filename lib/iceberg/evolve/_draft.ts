/** A schema in the middle of its changes. */
import { Schema } from "../spec/schema.ts";
import type { NestedField } from "../spec/types.ts";
import { evolutionError } from "./schema_change.ts";

/** Largest field id; the ones above are reserved (spec "Reserved Field IDs"). */
export const MAX_FIELD_ID = 2_147_483_447;

/** The schema so far, and the highest field id ever given out. */
export interface Draft {
  readonly schema: Schema;
  readonly lastColumnId: number;
}

/** The draft with other fields. */
export function withFields(draft: Draft, fields: readonly NestedField[]): Draft {
  const { schemaId, identifierFieldIds, extra } = draft.schema;
  const rest = extra === undefined ? {} : { extra };
  return { ...draft, schema: new Schema({ schemaId, fields, identifierFieldIds, ...rest }) };
}

/** Hands out ids above all that were ever used. */
export interface FreshIds {
  readonly next: () => number;
  readonly last: () => number;
}

/** Ids that follow `lastColumnId`; where none is left, `invalid` (code `field_ids_exhausted`). */
export function freshIds(lastColumnId: number): FreshIds {
  let last = lastColumnId;
  return {
    next: () => {
      if (last >= MAX_FIELD_ID) {
        throw evolutionError(`Cannot add a column: all ${MAX_FIELD_ID} field ids are used up`, {
          code: "field_ids_exhausted",
          part: "name",
        });
      }
      return ++last;
    },
    last: () => last,
  };
}
