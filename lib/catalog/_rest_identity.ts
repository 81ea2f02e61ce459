/** Whether two answers of a REST catalog are about the same table. */
import { peekTableUuids } from "./_peek_metadata.ts";
import type { TableLocation } from "./ports.ts";

type RestLocation = TableLocation & { kind: "rest" };

/**
 * Whether one and the same table was answered, at whatever version. A property of the name that is
 * looked for would have to hold the other table's UUID to deceive this.
 */
export function isSameTable(a: RestLocation, b: RestLocation): boolean {
  const [before, now] = [a, b].map(({ response }) =>
    peekTableUuids(new TextDecoder().decode(response))
  );
  // v1 tables may have none; then the name is all there is to go by.
  if (!before?.size || !now?.size) return before?.size === now?.size;
  return [...now].some((uuid) => before.has(uuid));
}
