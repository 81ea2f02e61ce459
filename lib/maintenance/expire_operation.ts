/**
 * The verb that expires snapshots, as the operation that it is. Pins are read twice: when the job is
 * given what it must keep, and in the transaction that gives it leave to commit.
 *
 * ```
 * pins that are known ─► job plans around them ─► leave: is there a pin that it does not know?
 *                                                   ├─ no ──► noted, committed
 *                                                   └─ yes ─► refused: nothing was changed
 * ```
 *
 * A pin that moved meanwhile needs less than it did, as pins only move forward. Who takes one after
 * leave was given finds the expiry noted in the same state; see `isChangeUnderWay` of operations.
 */
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { JobOperation } from "../operations/mod.ts";
import {
  describeHolder,
  type HeldPin,
  holdingSnapshots,
  pinsOf,
  toNamedPins,
} from "../pins/mod.ts";
import type { SqlReader } from "../state/mod.ts";
import { tableOperation } from "./_table_operation.ts";
import {
  expireJob,
  type ExpireParams,
  type ExpireReceipt,
  type ExpireRequest,
} from "./contract/mod.ts";

/** What an expiry is told of pins from. */
export interface ExpireDeps {
  readonly state: SqlReader;
  readonly clock: Clock;
}

/** The operation. Errors beside those of the job: `conflict`/`pins_changed`. */
export function expireOperation(
  request: ExpireRequest,
  { state, clock }: ExpireDeps,
): JobOperation<ExpireParams, ExpireReceipt> {
  const known = new Set<number>();
  const operation = tableOperation(request, {
    job: expireJob,
    params: (location): ExpireParams => ({
      location,
      dryRun: request.dry_run,
      retainLast: request.retain_last ?? null,
      olderThanMs: request.older_than ?? null,
      snapshotIds: request.snapshot_ids ?? [],
      cleanExpiredMetadata: request.clean_expired_metadata,
      pins: [],
    }),
  });
  return {
    ...operation,
    async prepare(catalog, signal) {
      const { table, params } = await operation.prepare(catalog, signal);
      const pins = await pinsOf(state, { table, nowMs: clock.now() });
      for (const { id } of holdingSnapshots(pins)) known.add(id);
      return { table, params: { ...params, pins: [...toNamedPins(pins)] } };
    },
    async mayChange(tx, { table }) {
      const pins = await pinsOf(tx, { table, nowMs: clock.now() });
      const pin = holdingSnapshots(pins).find(({ id }) => !known.has(id));
      if (pin !== undefined) throw pinsChanged(table, pin);
    },
  };
}

function pinsChanged(table: string, pin: HeldPin): AppError {
  const message =
    `Cannot expire snapshots of "${table}": ${describeHolder(pin)} began to read it ` +
    "meanwhile; nothing was changed, so try again";
  return new AppError("conflict", "pins_changed", message, { retryAfterSeconds: 1 });
}
