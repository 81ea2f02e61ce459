/** The method table of reader isolates: `TableReader` across the boundary. */
import { z } from "zod";
import { TableLocationSchema as Location } from "../lib/catalog/load/mod.ts";
import {
  FileContent,
  FileList,
  HealthReport,
  RefList,
  SnapshotList,
  TableSchema,
} from "../lib/tables/contract/mod.ts";

const page = { limit: z.int().positive(), cursor: z.string().nullable() };
const TimeTravel = z.object({
  snapshotId: z.string().nullable(),
  ref: z.string().nullable(),
  timestamp: z.string().nullable(),
});

const Pin = z.object({
  snapshotId: z.string(),
  tableUuid: z.string().nullable(),
  heldBy: z.string(),
});

/** Methods of a reader isolate. Table names and metadata come from the `location`. */
export const readerMethods = {
  schema: { params: z.object({ location: Location }), result: TableSchema },
  snapshots: { params: z.object({ location: Location, ...page }), result: SnapshotList },
  refs: { params: z.object({ location: Location, ...page }), result: RefList },
  files: {
    params: z.object({
      location: Location,
      ...page,
      at: TimeTravel,
      content: FileContent.nullable(),
    }),
    result: FileList,
  },
  health: { params: z.object({ location: Location, pins: z.array(Pin) }), result: HealthReport },
  cacheStats: {
    params: z.object({}),
    result: z.object({
      entries: z.int(),
      usedBytes: z.int(),
      maxBytes: z.int(),
      hits: z.int(),
      misses: z.int(),
    }),
  },
} as const;

/** How a reader isolate is set up, once, by its first call. */
export const ReaderSetup = z.object({ cacheBytes: z.int().nonnegative() });
export type ReaderSetup = z.infer<typeof ReaderSetup>;
