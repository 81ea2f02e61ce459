/** What drls says of a table, in the shape that peers report, and the comparison of both. */
import assert from "node:assert/strict";
import type {
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableList,
  TableSchema,
} from "../../lib/tables/mod.ts";
import type { Figures, PeerReport } from "./_peers.ts";
import type { Server } from "./_server.ts";

const CONTENT_IDS = { data: 0, position_deletes: 1, equality_deletes: 2 } as const;

/** Compares every table that a peer reports with what the server says, one step each. */
export async function compareTables(
  t: Deno.TestContext,
  server: Server,
  options: { readonly report: PeerReport },
): Promise<void> {
  const { report } = options;
  await t.step("lists the same tables", async () => {
    const list = await server.get<TableList>("/tables");
    const expected = [...Object.keys(report.tables), ...Object.keys(report.unreadable ?? {})];
    assert.deepEqual(list.tables.toSorted(), expected.sort());
    if (report.namespaces !== undefined) {
      assert.deepEqual(list.namespaces.toSorted(), report.namespaces.toSorted());
    }
  });
  for (const [table, figures] of Object.entries(report.tables)) {
    await t.step(`agrees on ${table}`, async () => {
      assert.deepEqual(await readFigures(server, table, figures), figures);
    });
  }
}

/** What the server says of a table, cut down to what `wanted` holds. */
async function readFigures(server: Server, table: string, wanted: Figures): Promise<unknown> {
  const path = `/table/${encodeURIComponent(table)}`;
  const schema = await server.get<TableSchema>(`${path}/schema`);
  const health = await server.get<HealthReport>(`${path}/health`);
  const snapshots = await server.get<SnapshotList>(`${path}/snapshots`);
  const refs = await server.get<RefList>(`${path}/refs`);
  const files = await server.get<FileList>(`${path}/files`);
  const { delete_files: deletes } = health;
  const figures: Figures = {
    columns: schema.columns.map(({ name, type, nullable, comment, id }) => {
      const column = { name, type, nullable, comment };
      return wanted.columns[0]?.id === undefined ? column : { ...column, id };
    }),
    format_version: health.format_version,
    schema_id: schema.schema_id,
    partition_by: schema.partition_by,
    sort_order: schema.sort_order,
    identifier_columns: schema.identifier_columns.toSorted(),
    snapshot_count: health.snapshot_count,
    current_snapshot_id: snapshots.current_snapshot_id,
    snapshots: snapshots.snapshots.map(({ snapshot_id, parent_id, operation }) => ({
      snapshot_id,
      parent_id,
      operation,
    })).reverse(),
    refs: refs.refs.toSorted((a, b) => a.name < b.name ? -1 : 1),
    data_file_count: health.data_file_count,
    total_size_bytes: health.total_size_bytes,
    record_count: health.record_count,
    delete_file_count: health.delete_file_count,
    position_delete_files: deletes.position_delete_files,
    deletion_vectors: deletes.deletion_vectors,
    equality_delete_files: deletes.equality_delete_files,
    position_deleted_rows: deletes.position_deleted_rows,
    manifest_count: health.manifest_count,
    files: files.files.map((file): Figures["files"][number] => [
      CONTENT_IDS[file.content],
      file.file_path,
      file.spec_id,
      file.record_count,
      file.file_size_bytes,
    ]).sort(compareFiles),
  };
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, figures[key as keyof Figures]]));
}

/** As Python sorts the same tuples: by content, then by path. */
function compareFiles(a: Figures["files"][number], b: Figures["files"][number]): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return a[2] - b[2] || a[3] - b[3] || a[4] - b[4];
}
