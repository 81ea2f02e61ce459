/** One hostile table. */
import type { Part } from "./questions.ts";

/** How large a case is made: `quick` for every run, `full` for the long one. */
export interface Scale {
  readonly full: boolean;
}

/** One hostile table: how it is made, and which questions must not be answered as if it were well. */
export interface HostileCase {
  readonly name: string;
  /** Makes the table in a new, empty folder. */
  readonly make: (folder: string, scale: Scale) => Promise<void>;
  /** Questions that only a 4xx answers; the others may also be answered with 200. */
  readonly fails: readonly Part[];
  /** Left out of ordinary runs: it takes seconds. */
  readonly slow?: true;
}

/** Everything that the metadata document alone decides. */
export const ALL: readonly Part[] = ["schema", "snapshots", "refs", "files", "health"];
/** Everything that manifests decide. */
export const MANIFESTS: readonly Part[] = ["files", "health"];
/** Nothing has to fail. */
export const NONE: readonly Part[] = [];
