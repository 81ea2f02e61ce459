/** The verb that appends streamed rows, as the operation that it is. */
import { findTable } from "../catalog/mod.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { JobOperation } from "../operations/mod.ts";
import {
  type AppendFormat,
  appendJob,
  type AppendParams,
  type AppendReceipt,
} from "./contract/mod.ts";

/** What `POST /api/table/{t}/append` asks for. */
export interface AppendRequest {
  readonly table: string;
  readonly format: AppendFormat;
  /** Read and check all rows, and write nothing. */
  readonly dry_run: boolean;
  /** Read to its end, unless the rows are refused before. */
  readonly rows: ReadableStream<Uint8Array>;
}

/** One snapshot of all rows. Appends never conflict, so any number may run on one table. */
export function appendOperation(
  { table: name, format, dry_run: dryRun, rows }: AppendRequest,
): JobOperation<AppendParams, AppendReceipt> {
  return {
    kind: "append",
    role: "DataEngineer",
    action: "table.append",
    input: { format },
    dryRun,
    job: appendJob,
    body: rows,
    async prepare(catalog, signal) {
      const location = await findTable(catalog, name, { signal });
      return {
        table: formatIdentifier(location.identifier),
        params: { location, format, dryRun },
      };
    },
    toDetails: (receipt) => ({ ...receipt }),
    toAudit: (receipt) => ({ before: null, after: receipt }),
  };
}
