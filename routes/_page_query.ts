/** `?limit=` and `?cursor=` of the lists. */
import { z } from "zod";
import type { ZodOpenApiOverrideMeta } from "zod-openapi";

/** Longest cursor that is looked at. */
const MAX_CURSOR_CHARS = 4096;

/** A whole number in a query, where everything is text. */
export function wholeNumber(min: number, max: number) {
  const message = `Expected a whole number from ${min} to ${max}`;
  const override: ZodOpenApiOverrideMeta = ({ jsonSchema }) => {
    // A client sends a number; that it travels as text is the query's business.
    delete jsonSchema.pattern;
    Object.assign(jsonSchema, { type: "integer", minimum: min, maximum: max });
  };
  return z.string(message).regex(/^\d{1,9}$/, message).transform(Number)
    .pipe(z.int().min(min, message).max(max, message)).meta({ override });
}

/** Query fields of a list with at most `max` entries a page. */
export function pageFields(max: number) {
  return {
    limit: wholeNumber(1, max).optional()
      .meta({ description: `Most entries to return; ${max} without it` }),
    cursor: z.string().min(1).max(MAX_CURSOR_CHARS).optional()
      .meta({ description: "`next_cursor` of the page before" }),
  };
}

/** A page as the verbs take it. */
export interface RequestedPage {
  readonly limit: number;
  readonly cursor: string | null;
}

/** The page that a query asks for. */
export function toPage(
  query: { limit?: number | undefined; cursor?: string | undefined },
  max: number,
): RequestedPage {
  return { limit: query.limit ?? max, cursor: query.cursor ?? null };
}
