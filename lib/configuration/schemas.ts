/** The answer of `GET` and `PUT /api/config`. */
import { z } from "zod";

/** The configured catalog, secrets masked; all null where none is configured. */
export const Configuration = z.object({
  configured: z.boolean(),
  catalog_type: z.enum(["hadoop", "sql", "rest"]).nullable(),
  warehouse: z.string().nullable(),
  catalog_name: z.string().nullable(),
  uri: z.string().nullable(),
  extra_props: z.record(z.string(), z.string()).describe("secrets are shown as a mask"),
}).meta({ id: "Configuration" });
/** The configured catalog, secrets masked. */
export type Configuration = z.infer<typeof Configuration>;
