/** Tables that somebody's running work stands on are not dropped or rolled back beneath it. */
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { OperationFacts } from "../operations/mod.ts";
import { describeHolder, pinsOf } from "../pins/mod.ts";
import type { SqlReader } from "../state/mod.ts";

/** Holders that a refusal names. */
const MAX_NAMED = 3;

/** What knows who uses a table. */
export interface UseDeps {
  readonly state: SqlReader;
  readonly clock: Clock;
}

/**
 * The operation, refused with `conflict`/`table_in_use` while somebody who runs uses the table: when
 * it is asked for, dry or not, and once more in the transaction that lets it change the table. A pin
 * with an end is of somebody who does not run, and forbids nothing that a person asks for.
 */
export function unlessInUse<P, R, O extends OperationFacts<P, R>>(
  operation: O & OperationFacts<P, R>,
  { state, clock }: UseDeps,
): O & Pick<OperationFacts<P, R>, "prepare" | "mayChange"> {
  const refuse = async (reader: SqlReader, table: string) => {
    const pins = await pinsOf(reader, { table, nowMs: clock.now() });
    const users = pins.filter(({ untilMs }) => untilMs === null).map(describeHolder);
    if (users.length > 0) throw inUse(table, { users, kind: operation.kind });
  };
  return {
    ...operation,
    async prepare(catalog, signal) {
      const prepared = await operation.prepare(catalog, signal);
      await refuse(state, prepared.table);
      return prepared;
    },
    mayChange: async (tx, { table }) => await refuse(tx, table),
  };
}

function inUse(
  table: string,
  { users, kind }: { readonly users: readonly string[]; readonly kind: string },
): AppError {
  const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : "";
  const verb = kind === "drop-table" ? "drop" : "roll back";
  const message = `Cannot ${verb} table "${table}": it is used by ` +
    `${users.slice(0, MAX_NAMED).join(", ")}${more}; stop what uses it first`;
  return new AppError("conflict", "table_in_use", message, {
    context: { users: users.slice(0, 100) },
  });
}
