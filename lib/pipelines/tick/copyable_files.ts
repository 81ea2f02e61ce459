/**
 * Files of the source whose row groups go into the sink as they are, not even decompressed: of the same
 * columns, types and codec, and of about the size that new ones would have. Small ones are read, so that
 * many of them become few.
 */
import {
  copyRowGroup,
  isCopyable,
  metricsConfig,
  openParquetFile,
  planTranscode,
  type RowGroupCopy,
  type TranscodePlan,
  type WriteSettings,
  writeSettings,
} from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import { formatSqlType } from "../../iceberg/ddl/format_sql_type.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema } from "../../iceberg/spec/table_metadata.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";

/** Smallest row group that stays as it is, in bytes, and as a share of a new one. */
const MIN_COPIED_BYTES = 4 * 1024 * 1024;
const MIN_COPIED_SHARE = 1 / 8;
/** Largest one, as a multiple of a new one. */
const MAX_COPIED_FACTOR = 1.25;

/** Options of {@linkcode CopyableFiles}. */
export interface CopyableFilesOptions {
  readonly source: LoadedTable;
  /** The schema that rows of the source are read with. */
  readonly schema: Schema;
  readonly sink: LoadedTable;
  readonly signal: AbortSignal;
}

/** Files to read, or the row groups of one that is copied. */
export type BatchPart =
  | { readonly kind: "read"; readonly tasks: readonly FileScanTask[] }
  | { readonly kind: "copy"; readonly rowGroups: AsyncIterable<RowGroupCopy> };

/** See the module. The sink is unpartitioned, and rows go through as they are. */
export class CopyableFiles {
  readonly #options: CopyableFilesOptions;
  /** The sink's columns. */
  readonly #target: Schema;
  readonly #settings: WriteSettings;
  /** Field ids of the sink by those of the source. */
  readonly #ids: ReadonlyMap<number, number>;

  constructor(options: CopyableFilesOptions) {
    const { schema, sink: { metadata } } = options;
    this.#options = options;
    this.#target = currentSchema(metadata);
    this.#settings = writeSettings(metadata.properties);
    this.#ids = new Map(idsByName(schema.fields, this.#target.fields));
  }

  /** The files in their order, those together that are to be read. Errors are those of opening them. */
  async *parts(tasks: readonly FileScanTask[]): AsyncGenerator<BatchPart> {
    let read: FileScanTask[] = [];
    for (const task of tasks) {
      const plan = await this.#plan(task);
      if (plan === null) {
        read.push(task);
        continue;
      }
      if (read.length > 0) yield { kind: "read", tasks: read };
      read = [];
      yield { kind: "copy", rowGroups: this.#rowGroups(plan) };
    }
    if (read.length > 0) yield { kind: "read", tasks: read };
  }

  /** How a file is copied; null where its rows have to be read. */
  async #plan({ dataFile, deletes }: FileScanTask): Promise<TranscodePlan | null> {
    const { source: { io }, signal } = this.#options;
    const { filePath: location, fileSizeInBytes: sizeBytes, fileFormat } = dataFile;
    const mayBe = deletes.length === 0 && fileFormat === "parquet" && sizeBytes >= this.#minBytes;
    if (!mayBe) return null;
    const source = await openParquetFile(io, { location, sizeBytes, signal }).catch(
      (error: unknown) => {
        // Whoever reads it knows what to do about wrong sizes, and says what is wrong.
        if (error instanceof AppError && error.kind === "corrupt_data") return null;
        throw error;
      },
    );
    const plan = source === null ? null : planTranscode(source, {
      schema: this.#target,
      fieldIdOf: ({ node: { fieldId } }) =>
        fieldId === null ? null : this.#ids.get(fieldId) ?? null,
    });
    return plan !== null && this.#isGood(plan) ? plan : null;
  }

  get #minBytes(): number {
    return Math.max(MIN_COPIED_BYTES, this.#settings.rowGroupSizeBytes * MIN_COPIED_SHARE);
  }

  /** Whether all row groups can be copied, and are of a good size: on average, as the last is shorter. */
  #isGood(plan: TranscodePlan): boolean {
    const { source: { rowGroups } } = plan;
    const schema = this.#target;
    const { properties } = this.#options.sink.metadata;
    const options = {
      schema,
      settings: this.#settings,
      metrics: metricsConfig({ schema, properties }),
    };
    const bytes = rowGroups.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
    const maxBytes = this.#settings.rowGroupSizeBytes * MAX_COPIED_FACTOR;
    return bytes >= this.#minBytes * rowGroups.length &&
      rowGroups.every(({ compressedBytes }, at) =>
        compressedBytes <= maxBytes && isCopyable(plan, at, options)
      );
  }

  async *#rowGroups(plan: TranscodePlan): AsyncGenerator<RowGroupCopy> {
    const { signal } = this.#options;
    for (const at of plan.source.rowGroups.keys()) {
      yield await copyRowGroup(plan, at, { schema: this.#target, signal });
    }
  }
}

type IdPair = readonly [number, number];

/** Columns that have the same name and type in both, with those below them. */
function* idsByName(
  from: readonly NestedField[],
  to: readonly NestedField[],
): Generator<IdPair> {
  for (const { id, name, type } of from) {
    const own = to.find((field) => field.name === name);
    if (own !== undefined) yield* idsOf([id, type], [own.id, own.type]);
  }
}

function* idsOf(
  [fromId, from]: readonly [number, Type],
  [toId, to]: readonly [number, Type],
): Generator<IdPair> {
  if (from.kind === "struct" && to.kind === "struct") {
    yield* idsByName(from.fields, to.fields);
  } else if (from.kind === "list" && to.kind === "list") {
    yield* idsOf([from.elementId, from.element], [to.elementId, to.element]);
  } else if (from.kind === "map" && to.kind === "map") {
    yield* idsOf([from.keyId, from.key], [to.keyId, to.key]);
    yield* idsOf([from.valueId, from.value], [to.valueId, to.value]);
  } else if (formatSqlType(from) === formatSqlType(to)) yield [fromId, toId];
}
