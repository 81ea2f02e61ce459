/** What an expiry holds back, and for whom: refs by their retention, pipelines by their pins. */
import type { RetentionDefaults } from "../../../iceberg/retention/expirable_snapshots.ts";
import { heldBack, heldByPins } from "../../../iceberg/retention/held_back.ts";
import type { ExpiryPlan } from "../../../iceberg/retention/plan_expiry.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { ExpireReceipt } from "../../contract/mod.ts";

/** Snapshots named in a receipt, and pipelines named for each. */
const MAX_LISTED_SNAPSHOTS = 1_000;
const MAX_LISTED_HOLDERS = 10;

/** The part of the receipt. */
export function heldInReceipt(
  { kept, pinned }: ExpiryPlan,
  { metadata, retention }: {
    readonly metadata: TableMetadata;
    readonly retention: RetentionDefaults;
  },
): Pick<ExpireReceipt, "held_back" | "pinned_snapshots_count" | "pinned_snapshots"> {
  const byRefs = heldBack({ snapshots: kept, refs: metadata.refs }, retention);
  return {
    held_back: [...byRefs, ...heldByPins(pinned)].map(({ heldBy, ...held }) => ({
      held_by: heldBy,
      ...held,
    })),
    pinned_snapshots_count: pinned.size,
    pinned_snapshots: [...pinned].slice(0, MAX_LISTED_SNAPSHOTS).map(([id, holders]) => ({
      snapshot_id: String(id),
      held_by: holders.slice(0, MAX_LISTED_HOLDERS),
    })),
  };
}
