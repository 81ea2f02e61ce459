/** Writers as pipelines are: upserts that look rows up by key, and overwrites of whole partitions. */
import { deleteRows, KeyBag } from "../../lib/columnar/mod.ts";
import { replacePartitions } from "../../lib/iceberg/commit/snapshot/replace_partitions.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { currentSnapshot, defaultSpec } from "../../lib/iceberg/spec/table_metadata.ts";
import { batchOfRows } from "../support/rows.ts";
import { type Action, NothingToDo, schemaOf } from "./_act.ts";
import { FIXED, REGIONS, valuesOf } from "./_rows.ts";
import { WrittenFiles } from "./_written_files.ts";

/** Rows that one operation writes, at most. */
const MAX_ROWS = 4;

/** Replaces whatever there is of some keys, which it looks up in the table's newest state. */
export const upsertByPosition: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const table = await act.load();
    const { metadata, io } = table;
    const schema = schemaOf(table);
    const rows = act.newRows(schema, 1 + act.chance.below(MAX_ROWS));
    const keys = [...new Set(rows.map(({ key }) => key))];
    const operation = act.begin({ kind: "delete keys", keys, region: null, rows });
    operation.expectedSnapshots = 1;
    const bag = new KeyBag({ schema, ids: [FIXED.key] });
    bag.add(batchOfRows(schema.fields, rows.map((row) => valuesOf(row, schema.fields))));
    const state = {
      metadata,
      io,
      manifests: manifestSource(io, metadata),
      snapshot: currentSnapshot(metadata) ?? null,
    };
    const { operationId, signal } = act.host;
    const taskId = written.nextTask();
    const prepared = written.keep(
      await deleteRows(state, { keys: bag, operationId, taskId, signal }),
    );
    const added = await written.data(table, rows);
    await act.commit(rowDelta({ rows: added, ...prepared.delta }), table);
  });
};

/** Replaces a whole region, whatever is in it when the commit comes through. */
export const replaceRegion: Action = async (act) => {
  const written = new WrittenFiles(act);
  await written.orNothing(async () => {
    const table = await act.load();
    const { fields } = defaultSpec(table.metadata);
    const isByRegion = fields.length === 1 && fields[0]?.transform.kind === "identity" &&
      fields[0].sourceIds[0] === FIXED.region;
    if (!isByRegion) throw new NothingToDo("Regions are no partitions");
    const region = act.chance.pick(REGIONS);
    const rows = act.newRows(schemaOf(table), 1 + act.chance.below(MAX_ROWS), region);
    const operation = act.begin({ kind: "overwrite", region, rows });
    operation.expectedSnapshots = 1;
    await act.commit(replacePartitions({ files: await written.data(table, rows) }), table);
  });
};
