/** Configuration verbs that answer the same, for tests of what stands before them. */
import type { Services } from "../../routes/mod.ts";

const CONFIGURATION = {
  configured: true,
  catalog_type: "hadoop",
  warehouse: "/srv/warehouse",
  catalog_name: "drls",
  uri: null,
  extra_props: {},
} as const;

/** Valid answers of every configuration verb. */
export const CONFIGURATION_ANSWERS: Services["configuration"] = {
  get: () => Promise.resolve(CONFIGURATION),
  put: () => Promise.resolve(CONFIGURATION),
};
