/** Operations on tables: recorded, audited, watched, cancelled, repeated safely. */
export { type ChangesOfTable, isChangeUnderWay } from "./_store.ts";
export { createOperations } from "./create_operations.ts";
export type { OperationsDeps } from "./operations_deps.ts";
export type {
  DirectOperation,
  DirectWork,
  Idempotency,
  JobOperation,
  OperationContext,
  OperationFacts,
  PreparedOperation,
  StartedOperation,
} from "./operation_request.ts";
export type {
  ListOperationsInput,
  OperationEvent,
  OperationRunner,
  Operations,
  WatchOperationInput,
} from "./operations.ts";
export {
  Operation,
  OPERATION_STATES,
  OperationAccepted,
  OperationFailure,
  OperationFilter,
  OperationList,
  OperationProgress,
  OperationResult,
  OperationState,
} from "./schemas.ts";
