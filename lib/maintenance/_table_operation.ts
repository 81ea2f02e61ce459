/** What the operations of maintenance have in common. */
import { type Catalog, findTable, type TableLocation } from "../catalog/mod.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { JobSpec } from "../jobs/mod.ts";

/** What every request says. */
export interface TableRequest {
  readonly table: string;
  readonly dry_run: boolean;
}

/** The job of an operation, and what it is given. */
export interface TableJob<P, R> {
  readonly job: JobSpec<P, R>;
  readonly params: (location: TableLocation) => P;
}

/** An operation on one table whose receipt is what the client reads. */
export function tableOperation<P, R extends Readonly<Record<string, unknown>>>(
  request: TableRequest,
  { job, params }: TableJob<P, R>,
) {
  const { table: name, dry_run: dryRun, ...input } = request;
  return {
    kind: job.name,
    role: "DataEngineer",
    action: `table.${job.name.replaceAll("-", "_")}`,
    input,
    dryRun,
    // Two runs of one kind would only undo or repeat each other's work; a dry run disturbs nobody.
    exclusive: !dryRun,
    job,
    async prepare(catalog: Catalog, signal: AbortSignal) {
      const location = await findTable(catalog, name, { signal });
      return { table: formatIdentifier(location.identifier), params: params(location) };
    },
    toDetails: (receipt: R) => receipt,
  } as const;
}
