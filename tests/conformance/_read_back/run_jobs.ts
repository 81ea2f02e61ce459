/** The jobs of drls, run on a table of a catalog in the isolate of the test. */
import { RecordBatchStreamWriter } from "apache-arrow";
import type { Catalog } from "../../../lib/catalog/mod.ts";
import type { TableStore } from "../../../lib/iceberg/commit/table_store.ts";
import type { TableIdentifier } from "../../../lib/iceberg/ports.ts";
import type { NestedField } from "../../../lib/iceberg/spec/types.ts";
import type { InstalledJob } from "../../../lib/jobs/mod.ts";
import type { CompactParams } from "../../../lib/maintenance/contract/mod.ts";
import { maintenanceJobs } from "../../../lib/maintenance/jobs/mod.ts";
import type { AppendReceipt } from "../../../lib/tables/contract/append.ts";
import type { ColumnChange } from "../../../lib/tables/contract/change_jobs.ts";
import { tableJobs } from "../../../lib/tables/jobs/mod.ts";
import { testJobHost } from "../../support/maintenance/job_host.ts";
import { batchOfRows } from "../../support/rows.ts";
import { storeOf } from "../../support/writable_tables.ts";

/** Beyond every file's time of change, whichever clock gave it. */
const HOUR_MS = 3_600_000;
const JOBS = [...maintenanceJobs, ...tableJobs];

/** What can be done with a table, each as the job of that name does it. */
export class TableJobs {
  readonly #catalog: Catalog;
  readonly #identifier: TableIdentifier;

  constructor(catalog: Catalog, identifier: TableIdentifier) {
    this.#catalog = catalog;
    this.#identifier = identifier;
  }

  /** The table, opened for changing. */
  async store(): Promise<TableStore> {
    return storeOf(this.#catalog, await this.#catalog.locateExactly(this.#identifier));
  }

  /** Appends rows that come as an Arrow stream. */
  async append(
    fields: readonly NestedField[],
    rows: Parameters<typeof batchOfRows>[1],
  ): Promise<AppendReceipt> {
    const bytes = RecordBatchStreamWriter.writeAll([batchOfRows(fields, rows)]).toUint8Array(true);
    const input = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    return await this.#run("append", { dryRun: false, format: "arrow" }, input) as AppendReceipt;
  }

  /** Changes one column. */
  async evolve(change: ColumnChange): Promise<void> {
    await this.#run("evolve", { dryRun: false, change });
  }

  /** Rewrites all data files, and drops deletes that apply to none. */
  async compact(more: Partial<CompactParams> = {}): Promise<void> {
    const { options, ...rest } = more;
    await this.#run("compact", {
      dryRun: false,
      strategy: "binpack",
      sortOrder: null,
      where: null,
      ...rest,
      options: { "rewrite-all": true, "remove-dangling-deletes": true, ...options },
    });
  }

  /** Leaves nothing but the current snapshot. */
  async expire(): Promise<void> {
    await this.#run("expire", {
      dryRun: false,
      retainLast: 1,
      olderThanMs: Number.MAX_SAFE_INTEGER,
      snapshotIds: [],
      cleanExpiredMetadata: true,
      pins: [],
    });
  }

  /** Deletes what the table does not refer to, however young; resolves with how much that was. */
  async removeOrphans(): Promise<number> {
    const receipt = await this.#run("remove-orphans", {
      dryRun: false,
      olderThanMs: Date.now() + HOUR_MS,
      folder: null,
      equalSchemes: {},
      equalAuthorities: {},
      prefixMismatchMode: "ERROR",
    });
    return (receipt as { readonly deleted_files_count: number }).deleted_files_count;
  }

  async #run(
    name: string,
    params: object,
    input: ReadableStream<Uint8Array> | null = null,
  ): Promise<unknown> {
    const location = await this.#catalog.locateExactly(this.#identifier);
    const job = JOBS.find(({ spec }) => spec.name === name) as InstalledJob<unknown, unknown>;
    const host = testJobHost(storeOf(this.#catalog, location), { tasks: maintenanceJobs });
    const parsed = job.spec.params.parse({ location, ...params });
    return job.spec.result.parse(await job.run(parsed, { ...host, input }));
  }
}
