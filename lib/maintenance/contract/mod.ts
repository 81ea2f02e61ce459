/**
 * What is asked of maintenance and how it answers: requests of clients, jobs of table isolates. A
 * door of its own, for both sides of the boundary.
 */
export {
  CompactRequest,
  ExpireRequest,
  RemoveOrphansRequest,
  RewriteManifestsRequest,
} from "./requests.ts";
export {
  CompactReceipt,
  ExpireReceipt,
  RemoveOrphansReceipt,
  RewriteManifestsReceipt,
} from "./receipts.ts";
export {
  compactJob,
  CompactParams,
  expireJob,
  ExpireParams,
  removeOrphansJob,
  RemoveOrphansParams,
  rewriteManifestsJob,
  RewriteManifestsParams,
} from "./jobs.ts";
