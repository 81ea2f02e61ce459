/** Those who look after a raced table, or change what it is: the jobs of drls, as clients start them. */
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { LAST_ADDED } from "../../lib/iceberg/commit/table_update.ts";
import { updateSpec } from "../../lib/iceberg/evolve/update_spec.ts";
import type { Transform } from "../../lib/iceberg/spec/transform.ts";
import { currentSchema, currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import {
  expire,
  installedCompactJob,
  removeOrphans,
  rewriteManifests,
} from "../../lib/maintenance/jobs/mod.ts";
import type { CompactParams } from "../../lib/maintenance/contract/mod.ts";
import type { ColumnChange } from "../../lib/tables/contract/change_jobs.ts";
import { evolve } from "../../lib/tables/jobs/evolve.ts";
import { rollBackTable } from "../../lib/tables/jobs/roll_back.ts";
import { ref } from "../support/commit_fixture.ts";
import { settingProperties } from "../support/writable_tables.ts";
import { type Act, type Action, NothingToDo, schemaOf } from "./_act.ts";
import { FIXED } from "./_rows.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Bytes of a file that holds some dozens of rows. */
const SMALL_TARGET_BYTES = 6_000;

/** Compacts; with every option at its turn where none are given. */
export function compact(
  strategy: CompactParams["strategy"],
  options?: CompactParams["options"],
): Action {
  return async (act) => {
    const schema = schemaOf(await act.load());
    const nameOf = (id: number) => schema.findById(id)?.field.name ?? "";
    const [uid, key] = [nameOf(FIXED.uid), nameOf(FIXED.key)];
    const orders = { binpack: null, sort: `${uid} DESC`, zorder: `zorder(${uid}, ${key})` };
    const operation = act.begin({ kind: "keep" });
    const receipt = await installedCompactJob.run({
      location: act.options.location,
      dryRun: false,
      strategy,
      sortOrder: orders[strategy],
      where: null,
      options: options ?? someOptions(act),
    }, act.host);
    act.receipt = receipt;
    operation.expectedSnapshots = receipt.snapshot_ids.length;
  };
}

function someOptions({ chance }: Act): CompactParams["options"] {
  const isPartial = chance.percent(40);
  return {
    "min-input-files": 2,
    "max-concurrent-file-group-rewrites": 1 + chance.below(2),
    "use-starting-sequence-number": chance.percent(70),
    "remove-dangling-deletes": chance.percent(40),
    "delete-file-threshold": 1,
    "partial-progress.enabled": isPartial,
    ...(isPartial ? { "partial-progress.max-commits": 3 } : {}),
    ...(chance.percent(40) ? { "target-file-size-bytes": SMALL_TARGET_BYTES } : {}),
    ...(chance.percent(30) ? { "rewrite-all": true } : {}),
  };
}

/** Sorts the entries of manifests anew. */
export const sortManifests: Action = async (act) => {
  const operation = act.begin({ kind: "keep" });
  const { location } = act.options;
  const receipt = await rewriteManifests(
    { location, dryRun: false, specId: null, sortBy: null },
    act.host,
  );
  operation.expectedSnapshots = receipt.snapshot_ids.length;
};

/** Expires all but a few snapshots, tags that are of age included. */
export const expireSnapshots: Action = async (act) => {
  act.begin({ kind: "no snapshot" });
  act.receipt = await expire({
    location: act.options.location,
    dryRun: false,
    retainLast: 1 + act.chance.below(3),
    olderThanMs: act.host.clock.now() - act.rules.expiresAfterMs,
    snapshotIds: [],
    cleanExpiredMetadata: act.chance.percent(50),
    pins: [],
  }, act.host);
};

/** Removes orphans that are older than a day: none that anybody is still writing. */
export const removeOldOrphans: Action = async (act) => {
  act.begin({ kind: "no snapshot" });
  act.receipt = await removeOrphans({
    location: act.options.location,
    dryRun: false,
    olderThanMs: act.host.clock.now() - DAY_MS,
    folder: null,
    equalSchemes: {},
    equalAuthorities: {},
    prefixMismatchMode: "ERROR",
  }, act.host);
};

/** Adds, renames, drops or promotes a column. */
export const changeSchema: Action = async (act) => {
  const { chance, host } = act;
  const { fields } = schemaOf(await act.load());
  const free = fields.filter(({ id }) => id > FIXED.region);
  const promotable = free.filter(({ type }) => type.kind === "int" || type.kind === "float");
  const name = `c_${host.operationId.replaceAll("-", "")}`;
  const add: ColumnChange = {
    kind: "add",
    name,
    type: chance.pick(["int", "bigint", "float", "double", "string"]),
    required: false,
    doc: null,
    defaultValue: null,
    ...(chance.percent(30) ? { position: { kind: "first" } } : {}),
  };
  const target = chance.pick([...free, ...fields.filter(({ id }) => id === FIXED.key)]);
  const droppable = free.filter(({ id }) => id !== target.id);
  const changes: readonly ColumnChange[] = [
    add,
    { kind: "rename", name: target.name, newName: name },
    ...droppable.slice(0, 1).map((one) => ({ kind: "drop", name: one.name }) as const),
    ...promotable.slice(0, 1).map(({ name: old, type }) =>
      ({ kind: "update", name: old, type: type.kind === "int" ? "bigint" : "double" }) as const
    ),
  ];
  act.begin({ kind: "no snapshot" });
  await evolve(
    { location: act.options.location, dryRun: false, change: chance.pick(changes) },
    host,
  );
};

/** Adds a field to the partition spec, or takes all away. */
export const changeSpec: Action = async (act) => {
  act.begin({ kind: "no snapshot" });
  const transforms: readonly Transform[] = [
    { kind: "identity" },
    { kind: "bucket", numBuckets: 2 + act.chance.below(3) },
    { kind: "truncate", width: 1 },
  ];
  await act.commit(respecAction(act.chance.pick(transforms)));
};

/** Partitions by the region's transform, or no more where it does already. */
function respecAction(transform: Transform): CommitAction {
  return {
    name: "change spec",
    apply({ table: { metadata } }) {
      const schema = currentSchema(metadata);
      const spec = metadata.partitionSpecs.find((one) => one.specId === metadata.defaultSpecId);
      const changes = spec === undefined || spec.fields.length === 0
        ? [{ kind: "add", sourceId: FIXED.region, transform, name: null } as const]
        : spec.fields.map(({ name }) => ({ kind: "remove", name }) as const);
      const evolved = updateSpec(schema, changes, metadata);
      return Promise.resolve({
        requirements: [
          {
            type: "assert-last-assigned-partition-id",
            lastAssignedPartitionId: metadata.lastPartitionId,
          },
          { type: "assert-default-spec-id", defaultSpecId: metadata.defaultSpecId },
        ],
        updates: [
          { action: "add-spec", spec: evolved.spec },
          { action: "set-default-spec", specId: LAST_ADDED },
        ],
      });
    },
  };
}

/** Makes a table of format v2 one of v3. */
export const upgrade: Action = async (act) => {
  act.begin({ kind: "no snapshot" });
  await act.commit({
    name: "upgrade",
    apply: () =>
      Promise.resolve({
        requirements: [],
        updates: [{ action: "upgrade-format-version", formatVersion: 3 }],
      }),
  });
};

/** Sets a property of its own. */
export const changeProperties: Action = async (act) => {
  const operation = act.begin({ kind: "no snapshot" });
  const mark = operation.mark = `race.${act.host.operationId}`;
  await act.commit(settingProperties({ [mark]: "set" }));
};

/** Takes the table one or two snapshots back. */
export const rollBackABit: Action = async (act) => {
  const { metadata } = await act.load();
  const head = currentSnapshot(metadata);
  const ancestors = metadata.snapshots.filter(({ snapshotId }) =>
    snapshotId === head?.parentSnapshotId
  );
  if (ancestors.length === 0) throw new NothingToDo("There is nothing to go back to");
  act.begin({ kind: "no snapshot" });
  const snapshotId = String(act.chance.pick(ancestors).snapshotId);
  await rollBackTable({ location: act.options.location, dryRun: false, snapshotId }, act.host);
};

/** Tags the table as it is, for a while. */
export const tag: Action = async (act) => {
  const operation = act.begin({ kind: "no snapshot" });
  const mark = operation.mark = `tag-${act.host.operationId}`;
  await act.commit(tagging(act, mark));
};

function tagging({ chance }: Act, name: string): CommitAction {
  const maxRefAgeMs = chance.percent(50) ? 1 + chance.below(20_000) : null;
  return {
    name: "tag",
    apply({ table: { metadata } }) {
      const head = currentSnapshot(metadata);
      if (head === undefined) throw new NothingToDo("There is nothing to tag");
      return Promise.resolve({
        requirements: [
          { type: "assert-ref-snapshot-id", ref: "main", snapshotId: head.snapshotId },
          { type: "assert-ref-snapshot-id", ref: name, snapshotId: null },
        ],
        updates: [{
          action: "set-snapshot-ref",
          ref: ref(name, head.snapshotId, { type: "tag", maxRefAgeMs }),
        }],
      });
    },
  };
}
