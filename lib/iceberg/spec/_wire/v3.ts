/** Table metadata of format v3: v2 with row lineage. Its types and defaults are the schema's. */
import type { JsonOutput } from "../../../json.ts";
import type { TableMetadata } from "../table_metadata.ts";
import { writeCommon } from "./every_version.ts";
import type { WireObject } from "./reader.ts";
import { readSequenced } from "./v2.ts";

/** Reads v3. */
export function readV3(wire: WireObject): TableMetadata {
  const nextRowId = wire.long("next-row-id");
  if (nextRowId < 0n) throw wire.problem("next-row-id", `is ${nextRowId}, not at least 0`);
  return { ...readSequenced(wire, 3), nextRowId };
}

/** Writes v3. */
export function writeV3(metadata: TableMetadata): Record<string, JsonOutput> {
  return writeCommon(metadata, {
    "last-sequence-number": metadata.lastSequenceNumber,
    "next-row-id": metadata.nextRowId ?? 0n,
  });
}
