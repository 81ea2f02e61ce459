/** A table isolate that dies in the middle of its job; what is swept after it is swept by the real job. */
import { systemCommitRuntime } from "../../lib/iceberg/commit/commit_runtime.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import { commitTransaction } from "../../lib/iceberg/commit/transaction.ts";
import { type DataFile, NOTHING_MORE_KNOWN } from "../../lib/iceberg/manifest/data_file.ts";
import { installJob } from "../../lib/jobs/mod.ts";
import { maintenanceJobs } from "../../lib/maintenance/jobs/mod.ts";
import { serveTables } from "../../workers/serve_tables.ts";
import { dyingJob } from "./dying_jobs.ts";

/** Never resolves: the isolate is gone before. */
function die(): Promise<never> {
  setTimeout(() => {
    throw new Error("the isolate fell over");
  }, 0);
  return new Promise(() => {});
}

const dying = installJob(dyingJob, async ({ location, step, announces }, host) => {
  const store = host.openTable(location);
  const table = await store.load(host.signal);
  const filePath = `${table.metadata.location}/data/00000-${host.operationId}-00001.parquet`;
  const writer = await table.io.openWriter(filePath);
  await writer.write(new Uint8Array([1, 2, 3]));
  if (step === "writing") await die();
  const { sizeBytes } = await writer.close();
  if (step === "written") await die();
  const file: DataFile = {
    ...NOTHING_MORE_KNOWN,
    content: "data",
    filePath,
    fileFormat: "parquet",
    specId: 0,
    partition: [],
    recordCount: 7,
    fileSizeInBytes: sizeBytes,
  };
  if (announces) host.announce({ rows: 7 });
  const committing = commitTransaction(store, [fastAppend({ files: [file] })], {
    operationId: host.operationId,
    base: table,
    runtime: systemCommitRuntime,
    signal: host.signal,
  });
  if (step === "committing") {
    // The test's catalog applies the commit and keeps the answer to itself.
    while ((await store.load()).metadataLocation === table.metadataLocation);
    await die();
  }
  await committing;
  if (step === "committed") await die();
  return { rows: 7 };
});

serveTables({ jobs: [dying, ...maintenanceJobs] });
