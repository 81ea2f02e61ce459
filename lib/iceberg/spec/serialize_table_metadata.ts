/** Table metadata as the JSON text of a metadata file (spec Appendix C). */
import { type JsonOutput, stringifyJson } from "../../json.ts";
import { writeV1 } from "./_wire/v1.ts";
import { writeV2 } from "./_wire/v2.ts";
import { writeV3 } from "./_wire/v3.ts";
import type { TableMetadata } from "./table_metadata.ts";

/**
 * The metadata as its own format version writes it, indented as other writers do. Parsing the text
 * gives the same metadata; members that no version of the spec names are written back.
 */
export function serializeTableMetadata(metadata: TableMetadata): string {
  return stringifyJson(tableMetadataToJson(metadata), { indent: 2 });
}

/** As {@linkcode serializeTableMetadata}, as a JSON document. */
export function tableMetadataToJson(metadata: TableMetadata): JsonOutput {
  switch (metadata.formatVersion) {
    case 1:
      return writeV1(metadata);
    case 2:
      return writeV2(metadata);
    case 3:
      return writeV3(metadata);
  }
}
