/** Writers of rows: appends, upserts, deletes of every kind, overwrites. */
import {
  DeleteLoader,
  DeletionVectorWriter,
  PositionDeleteWriter,
} from "../../lib/columnar/mod.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import { overwriteFiles } from "../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import { eq } from "../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../lib/iceberg/ports.ts";
import { isDeletionVector } from "../../lib/iceberg/scan/delete_index.ts";
import { append } from "../../lib/tables/jobs/append.ts";
import { type Act, type Action, NothingToDo, schemaOf } from "./_act.ts";
import type { ReadFile } from "./_reader.ts";
import { FIXED, jsonOf, REGIONS } from "./_rows.ts";
import { WrittenFiles } from "./_written_files.ts";

/** Rows that one operation writes or deletes, at most. */
const MAX_ROWS = 4;

/** Appends files that it wrote, and touches no manifest. */
export const appendFast: Action = (act) => appendTo(act, "main");

/** The same on a branch of its own. */
export const appendToBranch: Action = (act) => appendTo(act, "audit");

async function appendTo(act: Act, branch: string): Promise<void> {
  const files = new WrittenFiles(act);
  await files.orNothing(async () => {
    const table = await act.load();
    const rows = act.newRows(schemaOf(table), 1 + act.chance.below(MAX_ROWS));
    const operation = act.begin({ kind: "append", rows });
    operation.expectedSnapshots = 1;
    const written = await files.data(table, rows);
    await act.commit(fastAppend({ files: written, branch }), table);
  });
}

/** Appends as clients do, NDJSON by the job of drls, which merges manifests. */
export const appendByJob: Action = async (act) => {
  const schema = schemaOf(await act.load());
  const rows = act.newRows(schema, 1 + act.chance.below(MAX_ROWS));
  const operation = act.begin({ kind: "append", rows });
  operation.expectedSnapshots = 1;
  const text = rows.map((row) => `${jsonOf(row, schema.fields)}\n`).join("");
  const input = ReadableStream.from([new TextEncoder().encode(text)]);
  const params = { location: act.options.location, format: "ndjson", dryRun: false } as const;
  await append(params, { ...act.host, input });
};

/** Deletes by value whatever there is of some keys. */
export const deleteKeys: Action = (act) => changeKeys(act, false);

/** The same, with new rows of these keys. */
export const upsert: Action = (act) => changeKeys(act, true);

async function changeKeys(act: Act, addsRows: boolean): Promise<void> {
  const files = new WrittenFiles(act);
  await files.orNothing(async () => {
    const table = await act.load();
    const region = act.rules.deletesByRegion ? act.chance.pick(REGIONS) : null;
    const rows = addsRows
      ? act.newRows(schemaOf(table), 1 + act.chance.below(MAX_ROWS), region ?? undefined)
      : [];
    const keys = addsRows
      ? [...new Set(rows.map(({ key }) => key))]
      : Array.from({ length: 1 + act.chance.below(3) }, () => act.chance.below(act.rules.keys));
    const operation = act.begin({ kind: "delete keys", keys, region, rows });
    operation.expectedSnapshots = 1;
    const deletes = await files.keyDeletes(table, keys, { spec: deleteSpec(table, act), region });
    const added = await files.data(table, rows);
    await act.commit(rowDelta({ rows: added, deletes }), table);
  });
}

/** By region where that is the rule; else the spec without fields, whose deletes are for all. */
function deleteSpec({ metadata }: LoadedTable, { rules }: Act) {
  const spec = metadata.partitionSpecs.find(({ fields }) =>
    rules.deletesByRegion ? fields.length > 0 : fields.length === 0
  );
  if (spec === undefined) throw new NothingToDo("An expiry took the spec for equality deletes");
  return spec;
}

/** Deletes some rows by their places: with a position delete file, or in v3 with vectors. */
export const deleteRows: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const { table, snapshot, files } = await act.read();
    const candidates = files.filter(({ rows }) => rows.length > 0);
    if (candidates.length === 0) throw new NothingToDo("There are no rows to delete");
    const hit = act.chance.some(candidates, 40).map((file) => ({
      file,
      rows: act.chance.some(file.rows, 40),
    }));
    const uids = hit.flatMap(({ rows }) => rows.map(({ uid }) => uid));
    const operation = act.begin({ kind: "delete rows", uids });
    operation.expectedSnapshots = 1;
    const { added, replaced } = await writePositions(act, { table, hit, written });
    await act.commit(
      rowDelta({
        deletes: added,
        removedDeletes: replaced.filter((file) => !isDeletionVector(file))
          .map((dataFile) => ({ dataFile })),
        startingSnapshotId: snapshot.snapshotId,
        referencedDataFiles: hit.map(({ file }) => file.task.dataFile.filePath),
      }),
      table,
    );
  });
};

async function writePositions(
  act: Act,
  { table, hit, written }: {
    readonly table: LoadedTable;
    readonly hit: readonly { readonly file: ReadFile; readonly rows: ReadFile["rows"] }[];
    readonly written: WrittenFiles;
  },
): Promise<{ readonly added: readonly DataFile[]; readonly replaced: readonly DataFile[] }> {
  const { metadata, io } = table;
  const { operationId, signal } = act.host;
  const options = { io, metadata, operationId, taskId: written.nextTask(), signal };
  if (metadata.formatVersion < 3) {
    const writer = written.keep(new PositionDeleteWriter(options));
    for (const { file, rows } of hit) {
      writer.add(file.task.dataFile, rows.map(({ position }) => position));
    }
    return { added: await writer.finish(), replaced: [] };
  }
  const deletes = new DeleteLoader({ io });
  const writer = written.keep(new DeletionVectorWriter({ ...options, deletes }));
  for (const { file: { task }, rows } of hit) {
    const before = task.deletes.map(({ dataFile }) => dataFile);
    writer.add(task.dataFile, rows.map(({ position }) => position), before);
  }
  return await writer.finish();
}

/** Replaces a whole region, whatever is in it when the commit comes through. */
export const overwriteRegion: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const table = await act.load();
    const region = act.chance.pick(REGIONS);
    const rows = act.newRows(schemaOf(table), act.chance.below(MAX_ROWS), region);
    act.begin({ kind: "overwrite", region, rows });
    const name = schemaOf(table).findById(FIXED.region)?.field.name ?? "";
    const add = await written.data(table, rows);
    await act.commit(overwriteFiles({ add, where: eq(name, region) }), table);
  });
};

/** Updates rows by writing their files anew, as engines do that know no row-level deletes. */
export const updateByCopy: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const { table, snapshot, files } = await act.read();
    const candidates = files.filter(({ rows }) => rows.length > 0);
    if (candidates.length === 0) throw new NothingToDo("There are no rows to update");
    const hit = act.chance.some(candidates, 30);
    const all = hit.flatMap((file) => file.rows);
    const changed = new Set(act.chance.some(all, 30).map(({ uid }) => uid));
    const rows = all.filter(({ uid }) => changed.has(uid))
      .flatMap(({ key, region }) =>
        act.newRows(schemaOf(table), 1, region).map((row) => ({ ...row, key }))
      );
    const copied = all.filter(({ uid }) => !changed.has(uid));
    const operation = act.begin({
      kind: "update",
      uids: [...changed],
      rows,
      copied: copied.map(({ uid }) => uid),
    });
    operation.expectedSnapshots = 1;
    const add = await written.data(table, rows, copied);
    await act.commit(
      overwriteFiles({
        add,
        remove: hit.map(({ task }) => task),
        startingSnapshotId: snapshot.snapshotId,
      }),
      table,
    );
  });
};
