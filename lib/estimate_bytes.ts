/** What plain data takes in memory, roughly: for budgets, which must not trust what a file claims. */

/** Memory of V8's values, in bytes, rounded up. */
const STRING_BYTES = 24;
const BIGINT_BYTES = 24;
const OBJECT_BYTES = 56;
const SLOT_BYTES = 8;
/** A key and a value of an object with few keys, and of one that is a hash table, or of a map. */
const PROPERTY_BYTES = 16;
const ENTRY_BYTES = 48;
/** Objects with more keys than this are hash tables. */
const FEW_KEYS = 32;

/**
 * Estimated memory of strings, numbers, arrays, objects, maps and byte arrays, however deep. What is
 * reached twice counts twice. Stops as soon as the sum is above `limit`.
 */
export function estimateBytes(value: unknown, limit = Infinity): number {
  const pending: unknown[] = [value];
  let bytes = 0;
  while (pending.length > 0 && bytes <= limit) {
    const next = pending.pop();
    if (typeof next === "string") bytes += STRING_BYTES + next.length;
    else if (typeof next === "bigint") bytes += BIGINT_BYTES;
    else if (typeof next === "object" && next !== null) bytes += enter(next, pending);
  }
  return bytes;
}

/** The object's own memory; its members join what is pending. */
function enter(value: object, pending: unknown[]): number {
  if (ArrayBuffer.isView(value)) return OBJECT_BYTES + value.byteLength;
  if (Array.isArray(value)) {
    for (const item of value) if (isCounted(item)) pending.push(item);
    return OBJECT_BYTES + value.length * SLOT_BYTES;
  }
  if (value instanceof Map) {
    for (const pair of value) pending.push(pair[0], pair[1]);
    return OBJECT_BYTES + value.size * ENTRY_BYTES;
  }
  const keys = Object.keys(value);
  const members: Readonly<Record<string, unknown>> = { ...value };
  for (const key of keys) if (isCounted(members[key])) pending.push(members[key]);
  const isTable = keys.length > FEW_KEYS;
  const names = isTable ? keys.reduce((sum, key) => sum + STRING_BYTES + key.length, 0) : 0;
  return OBJECT_BYTES + names + keys.length * (isTable ? ENTRY_BYTES : PROPERTY_BYTES);
}

/** Numbers, booleans and nulls lie in the slot that holds them. */
function isCounted(value: unknown): boolean {
  return typeof value === "object" || typeof value === "string" || typeof value === "bigint";
}
