/** Whether two answers of a REST catalog are about the same table. */
import type { TableLocation } from "./ports.ts";

type RestLocation = TableLocation & { kind: "rest" };

/**
 * Whether one and the same table was answered, at whatever version. By its UUID, looked for in the
 * text: metadata may be large or hostile, and is not parsed in the main isolate. A string in JSON
 * cannot contain the unescaped quotes that the pattern asks for; a property of that name would have
 * to hold the other table's UUID.
 */
export function isSameTable(a: RestLocation, b: RestLocation): boolean {
  const before = tableUuids(a.response);
  const now = tableUuids(b.response);
  // v1 tables may have none; then the name is all there is to go by.
  if (before.size === 0 || now.size === 0) return before.size === now.size;
  return [...now].some((uuid) => before.has(uuid));
}

function tableUuids(response: Uint8Array): ReadonlySet<string> {
  const text = new TextDecoder().decode(response);
  const found = text.matchAll(/"table-uuid"\s*:\s*"([0-9a-fA-F-]{32,36})"/g);
  return new Set([...found].map(([, uuid = ""]) => uuid.replaceAll("-", "").toLowerCase()));
}
