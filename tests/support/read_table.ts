/** Reads all live rows of a table: plans it and reads every task, as queries and rewrites do. */
import { DeleteLoader } from "../../lib/columnar/table/deletes/delete_loader.ts";
import { readTask, type ReadTaskOptions } from "../../lib/columnar/table/read_task.ts";
import { bind } from "../../lib/iceberg/expression/bind.ts";
import { parseWhere } from "../../lib/iceberg/expression/parse_where.ts";
import type { FileIo } from "../../lib/iceberg/ports.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { planFiles } from "../../lib/iceberg/scan/plan_files.ts";
import { resolveSnapshot } from "../../lib/iceberg/scan/time_travel.ts";
import { nameMappingOf } from "../../lib/iceberg/spec/name_mapping.ts";
import type { TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../lib/iceberg/spec/types.ts";
import { rowsOfBatch } from "./rows.ts";

/** Options of {@linkcode readRows}. */
export interface ReadRowsTestOptions
  extends Partial<Pick<ReadTaskOptions, "fields" | "batchRows" | "residual">> {
  readonly where?: string;
}

/** Rows with the fields that they have. */
export interface TableRows {
  readonly fields: readonly NestedField[];
  readonly rows: IcebergValue[][];
}

/** The rows of the current snapshot. */
export async function readRows(
  io: FileIo,
  metadata: TableMetadata,
  options: ReadRowsTestOptions = {},
): Promise<TableRows> {
  const { where, ...read } = options;
  const { snapshot, schema } = resolveSnapshot(metadata, { kind: "current" });
  const fields = options.fields ?? schema.fields;
  const rows: IcebergValue[][] = [];
  if (snapshot === null) return { fields, rows };
  const manifests = manifestSource(io, metadata);
  const deletes = new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  const filter = where === undefined ? {} : { filter: bind(parseWhere(where), schema) };
  for await (const task of planFiles({ metadata, snapshot, manifests, ...filter })) {
    for await (const batch of readTask(task, { io, metadata, schema, deletes, ...read })) {
      rows.push(...rowsOfBatch(batch, fields));
    }
  }
  return { fields, rows };
}
