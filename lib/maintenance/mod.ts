/** Maintenance: compaction, expiry of snapshots, removal of orphans, rewriting of manifests. */
export { createMaintenance, type Maintenance, type MaintenanceDeps } from "./maintenance.ts";
