/** What must hold between the parts of table metadata, after each part was read on its own. */
import type { Snapshot } from "../snapshot.ts";
import type { TableMetadata } from "../table_metadata.ts";
import { type WirePath, WireProblem } from "./reader.ts";

/**
 * Throws a `WireProblem` for the first thing that does not hold: ids are unique, current ids point
 * somewhere, references point to snapshots, parents form no cycle. What the reference implementation
 * tolerates passes: expired parents, log entries of expired snapshots, dropped source columns.
 */
export function validate(metadata: TableMetadata): void {
  const schemas = uniqueIds("schemas", metadata.schemas, "schemaId");
  const specs = uniqueIds("partition-specs", metadata.partitionSpecs, "specId");
  const orders = uniqueIds("sort-orders", metadata.sortOrders, "orderId");
  mustContain(schemas, metadata.currentSchemaId, "current-schema-id");
  mustContain(specs, metadata.defaultSpecId, "default-spec-id");
  mustContain(orders, metadata.defaultSortOrderId, "default-sort-order-id");

  const snapshots = new Map<bigint, Snapshot>();
  metadata.snapshots.forEach((snapshot, index) => {
    const { snapshotId, sequenceNumber } = snapshot;
    const at = (key: string) => place("snapshots", index, key);
    if (snapshots.has(snapshotId)) {
      throw new WireProblem(at("snapshot-id"), `is ${snapshotId}, which another one has too`);
    }
    snapshots.set(snapshotId, snapshot);
    if (sequenceNumber < 0n || sequenceNumber > metadata.lastSequenceNumber) {
      throw new WireProblem(
        at("sequence-number"),
        `is ${sequenceNumber}, not 0 to "last-sequence-number", ${metadata.lastSequenceNumber}`,
      );
    }
  });
  validateCurrent(metadata, snapshots);
  validateParents(metadata.snapshots, snapshots);
}

function validateCurrent(
  { currentSnapshotId, refs }: TableMetadata,
  snapshots: ReadonlyMap<bigint, Snapshot>,
): void {
  if (currentSnapshotId !== null && !snapshots.has(currentSnapshotId)) {
    throw new WireProblem(
      place("current-snapshot-id"),
      `is ${currentSnapshotId}, which is not in "snapshots"`,
    );
  }
  for (const { name, snapshotId } of refs.values()) {
    if (snapshots.has(snapshotId)) continue;
    throw new WireProblem(
      { parent: { parent: place("refs"), step: name }, step: "snapshot-id" },
      `is ${snapshotId}, which is not in "snapshots"`,
    );
  }
  const main = refs.get("main");
  if (main !== undefined && main.snapshotId !== currentSnapshotId) {
    throw new WireProblem(
      place("current-snapshot-id"),
      `is ${currentSnapshotId ?? "not set"}, but "refs.main" is ${main.snapshotId}`,
    );
  }
}

/** Every walk along parents must end. Linear: what one walk has seen, no other walks again. */
function validateParents(
  snapshots: readonly Snapshot[],
  byId: ReadonlyMap<bigint, Snapshot>,
): void {
  const seenInWalk = new Map<bigint, number>();
  snapshots.forEach((start, walk) => {
    let snapshot: Snapshot | undefined = start;
    while (snapshot !== undefined) {
      const seen = seenInWalk.get(snapshot.snapshotId);
      if (seen === walk) {
        throw new WireProblem(
          place("snapshots", walk, "parent-snapshot-id"),
          `leads back to snapshot ${snapshot.snapshotId}`,
        );
      }
      if (seen !== undefined) return;
      seenInWalk.set(snapshot.snapshotId, walk);
      const parentId: bigint | null = snapshot.parentSnapshotId;
      // A parent that has expired ends the walk.
      snapshot = parentId === null ? undefined : byId.get(parentId);
    }
  });
}

const WIRE_IDS = { schemaId: "schema-id", specId: "spec-id", orderId: "order-id" } as const;

function uniqueIds<K extends keyof typeof WIRE_IDS>(
  list: string,
  items: readonly { readonly [key in K]: number }[],
  key: K,
): ReadonlySet<number> {
  const ids = new Set<number>();
  items.forEach((item, index) => {
    const id = item[key];
    if (ids.has(id)) {
      throw new WireProblem(
        place(list, index, WIRE_IDS[key]),
        `is ${id}, which another one has too`,
      );
    }
    ids.add(id);
  });
  return ids;
}

function mustContain(ids: ReadonlySet<number>, id: number, key: string): void {
  if (!ids.has(id)) throw new WireProblem(place(key), `is ${id}, which the table does not have`);
}

function place(first: string, ...steps: (string | number)[]): WirePath {
  return steps.reduce<WirePath>((parent, step) => ({ parent, step }), {
    parent: null,
    step: first,
  });
}
