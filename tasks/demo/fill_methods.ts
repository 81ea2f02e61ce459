/** The method table of the isolate that fills the sample warehouse. */
import { z } from "zod";

/** Its one method: see `fillWarehouse`. */
export const fillMethods = {
  fill: { params: z.object({ warehouse: z.string(), nowMs: z.int() }), result: z.null() },
} as const;
