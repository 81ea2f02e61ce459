/**
 * Rewrites groups of a real table. A small group is one task of one isolate; of a large one the parts
 * are encoded on all isolates side by side, and put into files here, in their order.
 *
 * ```
 * group ─► parts ─► task ─► row groups ─┐
 *             ├───► task ─► row groups ─┼─► in order ─► file, file, …
 *             └───► task ─► row groups ─┘
 * ```
 */
import { serializeWithoutHistory } from "../../../iceberg/spec/serialize_without_history.ts";
import { ByteGate } from "../../../byte_gate.ts";
import type { EncodedRowGroup } from "../../../columnar/parquet/mod.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { RewriterInput } from "../compaction/compact_job.ts";
import type {
  GroupRewriter,
  PlannedGroup,
  RewriteGroupOptions,
} from "../compaction/group_rewriter.ts";
import { outputSpec } from "../compaction/plan_table.ts";
import { type CutInputs, cutInputs, type InputPart, parallelPart } from "./cut_inputs.ts";
import { fillFiles } from "./fill_files.ts";
import { encodePartTask, rewriteGroupTask, type SentInput, sentTask } from "./rewrite_tasks.ts";
import { RollingFiles } from "./rolling_files.ts";
import { openTableIo, tableContext } from "./table_context.ts";

/** Tasks beside those that isolates work at: finished ones that wait for their turn. */
const WAITING_TASKS = 1;

/** See the module comment. */
export class ParquetGroupRewriter implements GroupRewriter {
  readonly #input: RewriterInput;
  readonly #gate: ByteGate;
  readonly #slotBytes: number;
  #tasks = 0;
  #sent: { readonly metadata: TableMetadata; readonly text: string } | null = null;

  constructor(input: RewriterInput) {
    const { memoryBytes, tasks } = input.host;
    this.#input = input;
    const maxBytes = Math.max(1, Math.floor(memoryBytes / 2));
    this.#gate = new ByteGate({ maxBytes });
    this.#slotBytes = Math.max(1, Math.floor(maxBytes / (tasks.width + WAITING_TASKS)));
  }

  async rewrite(
    group: PlannedGroup,
    { state, signal }: RewriteGroupOptions,
  ): Promise<readonly DataFile[]> {
    const { params, options, order, host } = this.#input;
    const { metadata } = state.table;
    const spec = outputSpec(metadata, options);
    const inputs = group.files.map((task): SentInput => ({
      task: sentTask(task),
      rowGroups: null,
    }));
    const work = { group, inputs, metadata, spec, signal, taskId: this.#tasks++ };
    if (order.kind === "as_is" && group.partition !== null) {
      const cut = await this.#cut(work);
      const isOneTask = cut.copies.length === 0 && cut.parts.length === 1;
      if (!isOneTask) return await this.#assemble(cut, work);
    }
    const { files } = await this.#gate.hold(
      this.#slotBytes,
      () =>
        host.tasks.run(rewriteGroupTask, {
          location: params.location,
          metadata: this.#textOf(metadata),
          inputs,
          order,
          outputs: group.outputs,
          outputSpecId: spec.specId,
          partition: structuredClone(group.partition),
          taskId: work.taskId,
        }, signal),
      { signal },
    );
    return files;
  }

  async #cut({ group, inputs, metadata, signal }: GroupWork): Promise<CutInputs> {
    const { params, host } = this.#input;
    const table = tableContext(metadata, await openTableIo(params.location, host));
    const size = parallelPart({
      outputs: group.outputs,
      settings: table.settings,
      memoryBytes: host.memoryBytes,
      groupBytes: group.inputBytes,
      width: host.tasks.width,
    });
    return await cutInputs(inputs, { table, outputs: group.outputs, size, signal });
  }

  async #assemble(cut: CutInputs, work: GroupWork): Promise<readonly DataFile[]> {
    const { params, host } = this.#input;
    const { group, metadata, spec, taskId, signal } = work;
    const table = tableContext(metadata, await openTableIo(params.location, host));
    const files = new RollingFiles({
      table,
      spec,
      partition: group.partition ?? [],
      outputs: group.outputs,
      operationId: host.operationId,
      taskId,
    });
    const queue = this.#encodeAhead(cut.parts, work);
    try {
      await fillFiles(files, cut, { table, takePart: (at) => queue.take(at), signal });
      queue.releaseAll();
      return await files.finish();
    } catch (error) {
      await queue.stop();
      await files.abort();
      throw error;
    }
  }

  /** Starts tasks as memory allows; each holds its share until the next one's turn has come. */
  #encodeAhead(parts: readonly InputPart[], { metadata, signal: outer }: GroupWork) {
    const { params: { location }, host } = this.#input;
    const stopping = new AbortController();
    const signal = AbortSignal.any([outer, stopping.signal]);
    const text = this.#textOf(metadata);
    const slots = parts.map(() => Promise.withResolvers<readonly EncodedRowGroup[]>());
    const releases = parts.map(() => Promise.withResolvers<void>());
    const runs = parts.map((part, at) => {
      const claim = Math.max(this.#slotBytes, part.bytes);
      return this.#gate.hold(claim, async () => {
        const sent = { location, metadata: text, inputs: structuredClone(part.inputs) };
        const { rowGroups } = await host.tasks.run(encodePartTask, sent, signal);
        slots[at]?.resolve(rowGroups);
        await releases[at]?.promise;
      }, { signal }).catch((error: unknown) => slots[at]?.reject(error));
    });
    // Those after a failed one are never taken.
    for (const { promise } of slots) promise.catch(() => {/* thrown by the one before */});
    const releaseAll = () => releases.forEach(({ resolve }) => resolve());
    return {
      async take(at: number) {
        const slot = slots[at];
        if (slot === undefined) throw new RangeError(`Cannot take part ${at}: there is none`);
        releases[at - 1]?.resolve();
        return await slot.promise;
      },
      releaseAll,
      async stop() {
        stopping.abort();
        releaseAll();
        await Promise.all(runs);
      },
    };
  }

  #textOf(metadata: TableMetadata): string {
    if (this.#sent?.metadata !== metadata) {
      this.#sent = { metadata, text: serializeWithoutHistory(metadata) };
    }
    return this.#sent.text;
  }
}

interface GroupWork {
  readonly group: PlannedGroup;
  readonly inputs: readonly SentInput[];
  readonly metadata: TableMetadata;
  readonly spec: PartitionSpec;
  readonly signal: AbortSignal;
  readonly taskId: number;
}
