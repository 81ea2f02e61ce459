/** Every kind of writer by its name. */
import type { Action } from "./_act.ts";
import {
  appendByJob,
  appendFast,
  appendToBranch,
  deleteKeys,
  deleteRows,
  overwriteRegion,
  updateByCopy,
  upsert,
} from "./_row_writers.ts";
import { replaceRegion, upsertByPosition } from "./_stream_writers.ts";
import {
  changeProperties,
  changeSchema,
  changeSpec,
  compact,
  expireSnapshots,
  removeOldOrphans,
  rollBackABit,
  sortManifests,
  tag,
  upgrade,
} from "./_table_keepers.ts";

/** What each kind of writer does, again and again. */
export const WRITERS = {
  "fast appender": appendFast,
  "appender": appendByJob,
  "branch appender": appendToBranch,
  "row deleter": deleteRows,
  "key deleter": deleteKeys,
  "upserter": upsert,
  "looking upserter": upsertByPosition,
  "overwriter": overwriteRegion,
  "partition replacer": replaceRegion,
  "updater": updateByCopy,
  "bin packer": compact("binpack"),
  "sorter": compact("sort"),
  "z-orderer": compact("zorder"),
  "manifest sorter": sortManifests,
  "expirer": expireSnapshots,
  "orphan remover": removeOldOrphans,
  "schema changer": changeSchema,
  "spec changer": changeSpec,
  "property changer": changeProperties,
  "upgrader": upgrade,
  "roll-backer": rollBackABit,
  "tagger": tag,
} as const satisfies Record<string, Action>;

/** The name of a kind of writer. */
export type WriterKind = keyof typeof WRITERS;

/** All of them. */
export const WRITER_KINDS = Object.keys(WRITERS) as readonly WriterKind[];
