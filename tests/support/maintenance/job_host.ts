/** The surroundings of a job in one isolate: tasks run where they are asked for. */
import type { Clock } from "../../../lib/clock.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { TableLocation } from "../../../lib/catalog/mod.ts";
import type { FileIo } from "../../../lib/iceberg/ports.ts";
import type { TableStore } from "../../../lib/iceberg/commit/table_store.ts";
import type { InstalledJob, JobHost, JobProgress } from "../../../lib/jobs/mod.ts";
import { openStorage } from "../../../lib/storage/mod.ts";
import { uuidV7 } from "../../../lib/uuid_v7.ts";
import { movable } from "../../../workers/_moved_bytes.ts";

/** Options of {@linkcode testJobHost}. */
export interface TestJobHostOptions {
  /** Tasks that the job may ask for. */
  // deno-lint-ignore no-explicit-any -- each task has its own types, checked by its schemas.
  readonly tasks?: readonly InstalledJob<any, any>[];
  /** What every storage that is opened comes to. */
  readonly io?: FileIo;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly memoryBytes?: number;
  readonly width?: number;
  /** Called before each task. */
  readonly onTask?: (name: string) => Promise<void> | void;
}

/** A host, and what the job told it. */
export interface TestJobHost extends JobHost {
  readonly reports: readonly JobProgress[];
  readonly announced: readonly unknown[];
}

/** A located table that the store stands for; only the host looks at it. */
export const ANY_LOCATION: TableLocation = {
  kind: "file",
  identifier: { namespace: ["db"], name: "events" },
  metadataLocation: "/anywhere/metadata/v1.metadata.json",
  storage: { local: null, s3: null },
  foundAt: null,
};

/** A host that opens `store`, whatever table is asked for. */
export function testJobHost(store: TableStore, options: TestJobHostOptions = {}): TestJobHost {
  const clock = options.clock ?? systemClock;
  const reports: JobProgress[] = [];
  const announced: unknown[] = [];
  const host: TestJobHost = {
    operationId: uuidV7(clock.now()),
    signal: options.signal ?? new AbortController().signal,
    clock,
    memoryBytes: options.memoryBytes ?? 256 * 1024 * 1024,
    openTable: () => store,
    openStorage: options.io === undefined ? openStorage : () => options.io as FileIo,
    dropTable: () => Promise.reject(new TypeError("Maintenance drops no tables")),
    progress: (report) => void reports.push(report),
    announce: (result) => void announced.push(result),
    input: null,
    reports,
    announced,
    tasks: {
      width: options.width ?? 1,
      async run(task, params) {
        await options.onTask?.(task.name);
        const installed = options.tasks?.find(({ spec }) => spec.name === task.name);
        if (installed === undefined) throw new TypeError(`There is no task "${task.name}"`);
        // As on its way to another isolate: checked, and byte arrays move.
        const { value, transfer } = movable(task.params.parse(params));
        const given = task.params.parse(structuredClone(value, { transfer }));
        const result = await installed.run(given, { ...host, input: null });
        return task.result.parse(structuredClone(result));
      },
    },
  };
  return host;
}
