/** The state database: users, tokens, audit, stored configuration. */
export { MAX_LOCK_WAIT_MS } from "./_busy_retry.ts";
export { TRANSACTION_TIMEOUT_MS } from "./_database.ts";
export { type Migration } from "./migrate.ts";
export { openState, type OpenStateOptions } from "./open_state.ts";
export { allOf, Sql, sql, type SqlValue } from "./sql.ts";
export type { SqlReader, State, Transaction, TransactionOptions } from "./state.ts";
export {
  readStoredValue,
  type StoredValue,
  type StoredValueWrite,
  writeStoredValue,
} from "./stored_value.ts";
