/** How far a batch of a pipeline has come, told by what lies in its sink and what the state says. */
import { basename, join } from "node:path/posix";
import type { OffsetProperty } from "../../lib/pipelines/contract/offset.ts";
import { namesIn, newestVersion, sqlPointer } from "./_kill_bed.ts";
import { filesBelow } from "./_kill_moments.ts";
import type { PipelineBed } from "./_pipeline_bed.ts";
import type { Flow } from "./_pipeline_flows.ts";

/** Windows of a batch, in the order in which they come. */
export const TICK_WINDOWS = [
  /** Its server has taken it over or begun, and has committed nothing yet. */
  "taken",
  /** Nothing of a batch is on the disk. */
  "between",
  /** Data files, whole or in the making, and nothing that leads to them. */
  "data",
  /** Manifests or lists too. */
  "metadata",
  /** The next metadata file is written and not in force. */
  "unpublished",
  /** The batch is in force, and its server has not recorded it. */
  "committed",
  /** It is recorded, and the checkpoint file does not say so yet. */
  "recorded",
] as const;

/** One of {@linkcode TICK_WINDOWS}. */
export type TickWindow = typeof TICK_WINDOWS[number];

/** What is seen of a pipeline at a moment. */
export interface TickSight {
  readonly window: TickWindow;
  /** Batches that are in force. */
  readonly batches: number;
  /** The tick whose files lie there; null where there are none. */
  readonly operationId: string | null;
}

/** What matters of a table's metadata. */
export interface SinkMetadata {
  readonly properties?: Readonly<Record<string, string>>;
  readonly snapshots?: readonly {
    readonly "snapshot-id": unknown;
    readonly "manifest-list"?: string;
    readonly summary?: Readonly<Record<string, string>>;
  }[];
  readonly "metadata-log"?: readonly { readonly "metadata-file": string }[];
}

/** Operations have their id in the names of their files. */
const OPERATION_ID = /([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})/;

/** Watches one sink. */
export class TickEye {
  readonly #bed: PipelineBed;
  readonly #flow: Flow;
  readonly #folder: string;
  /** Operations whose files lay there when the watch began, and those that were no ticks. */
  readonly #others = new Set<string>();
  #current: { readonly path: string; readonly metadata: SinkMetadata } | null = null;

  constructor(bed: PipelineBed, flow: Flow) {
    this.#bed = bed;
    this.#flow = flow;
    this.#folder = bed.place(flow.sink).folder;
    for (const file of filesBelow(this.#folder)) {
      const id = operationOf(file);
      if (id !== null) this.#others.add(id);
    }
  }

  look(): TickSight {
    const metadata = this.#metadata();
    const offset = offsetIn(metadata);
    const batches = offset?.batch_id ?? 0;
    const record = this.#bed.record(this.#flow);
    const files = filesBelow(this.#folder);
    const operationId = this.#tick(files, metadata);
    const window = record.batches < batches
      ? "committed"
      : this.#isUnpublished(files, batches)
      ? "unpublished"
      : operationId !== null
      ? files.some((file) => file.startsWith("metadata/") && file.includes(operationId))
        ? "metadata"
        : "data"
      : batches > 0 && this.#checkpointBatches() < batches
      ? "recorded"
      : (offset?.epoch ?? 0) < record.epoch
      ? "taken"
      : "between";
    return { window, batches, operationId };
  }

  /** The tick under way that has files there and is not in force. */
  #tick(files: readonly string[], { snapshots = [] }: SinkMetadata): string | null {
    const lists = snapshots.map((one) => one["manifest-list"] ?? "");
    const ids = new Set(files.flatMap((file) => operationOf(file) ?? []));
    for (const id of [...ids].sort().reverse()) {
      if (this.#others.has(id) || lists.some((list) => list.includes(id))) continue;
      const isOperation = this.#bed.state((database) =>
        database.prepare("SELECT 1 FROM operations WHERE id = ?").get(id) !== undefined
      );
      if (!isOperation) return id;
      this.#others.add(id);
    }
    return null;
  }

  /** A hadoop table's next metadata file is in force as soon as it has its name. */
  #isUnpublished(files: readonly string[], batches: number): boolean {
    if (this.#bed.lake.type !== "sql" || this.#current === null) return false;
    const current = versionOf(this.#current.path);
    return files.some((file) => {
      if (!file.endsWith(".metadata.json") || versionOf(file) <= current) return false;
      const next = readMetadata(join(this.#folder, file));
      return next !== null && (offsetIn(next)?.batch_id ?? 0) > batches;
    });
  }

  #metadata(): SinkMetadata {
    const path = currentMetadata(this.#bed, this.#flow);
    if (path !== null && path !== this.#current?.path) {
      const metadata = readMetadata(path);
      if (metadata !== null) this.#current = { path, metadata };
    }
    return this.#current?.metadata ?? {};
  }

  #checkpointBatches(): number {
    const path = `${this.#bed.checkpoint(this.#flow)}/drls-checkpoint.json`;
    try {
      return JSON.parse(Deno.readTextFileSync(path)).offset?.batch_id ?? 0;
    } catch (error) {
      // The folder is deleted now and then.
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }
}

/** The metadata file in force; null where there is none, or nobody can tell. */
export function currentMetadata(bed: PipelineBed, { sink }: Pick<Flow, "sink">): string | null {
  const { folder } = bed.place(sink);
  const metadata = join(folder, "metadata");
  switch (bed.lake.type) {
    case "hadoop": {
      const version = newestVersion(folder);
      return version === null ? null : `${metadata}/${version}.metadata.json`;
    }
    case "sql": {
      const location = sqlPointer(bed.catalogPath, sink) ?? null;
      return location === null ? null : `${metadata}/${basename(location)}`;
    }
    case "rest": {
      // The server writes it right before it is in force.
      const names = namesIn(metadata).filter((name) => name.endsWith(".metadata.json"));
      const newest = names.sort((a, b) => versionOf(a) - versionOf(b)).at(-1);
      return newest === undefined ? null : `${metadata}/${newest}`;
    }
  }
}

/** What a metadata file says; null where it is not there, or not whole. */
export function readMetadata(path: string): SinkMetadata | null {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The offset that a table's property holds; null before the first batch. */
export function offsetIn({ properties = {} }: SinkMetadata): OffsetProperty | null {
  const found = Object.entries(properties).find(([name]) => name.startsWith("drls.stream."));
  return found === undefined ? null : JSON.parse(found[1]);
}

function versionOf(file: string): number {
  return Number(/(?:^|\/|v)0*(\d+)[^/]*\.metadata\.json$/.exec(file)?.[1] ?? -1);
}

function operationOf(file: string): string | null {
  return OPERATION_ID.exec(basename(file))?.[1] ?? null;
}
