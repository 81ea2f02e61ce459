/** Whether files that a table lets go of may be deleted (Iceberg table property `gc.enabled`). */
import type { TableMetadata } from "../spec/table_metadata.ts";

/**
 * True unless the property says otherwise, as where a table was made from another's files. As in
 * Java, whatever is not `true` is false: `no` is said by somebody who wants files to stay.
 */
export function mayDeleteFiles({ properties }: Pick<TableMetadata, "properties">): boolean {
  const text = properties["gc.enabled"];
  return text === undefined || text.toLowerCase() === "true";
}
