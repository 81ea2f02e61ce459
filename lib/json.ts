/**
 * JSON that keeps integers exact: whole numbers beyond 2^53 are `bigint`, all others `number`.
 * Iceberg's ids are random 63-bit values; `JSON.parse` would round them silently.
 */

/** A JSON document as {@linkcode parseJson} returns it. */
export type JsonValue = string | number | bigint | boolean | null | JsonArray | JsonObject;
/** A JSON array. */
export type JsonArray = readonly JsonValue[];
/** A JSON object; built without a prototype, so hostile keys are only keys. */
export type JsonObject = { readonly [key: string]: JsonValue };
