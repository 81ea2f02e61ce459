/** Which catalog is served. */
import { Configuration, ConfigurationInput } from "../lib/configuration/mod.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Configuration";

/** `GET` and `PUT /api/config`. */
export const configRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/config",
    operation: "getConfig",
    tag: TAG,
    summary: "Get the current catalog configuration",
    description: "Secrets are shown as a mask.",
    role: "Auditor",
    answer: { status: 200, description: "The configuration", schema: Configuration },
    handler: ({ ctx, services }) => services.configuration.get(ctx),
  }),
  route({
    method: "PUT",
    path: "/api/config",
    operation: "putConfig",
    tag: TAG,
    summary: "Set the catalog configuration",
    description: "The catalog must answer before anything is stored. A mask that comes back as " +
      "the value of a secret keeps what is stored.",
    role: "Admin",
    body: { schema: ConfigurationInput },
    answer: { status: 200, description: "The configuration now in use", schema: Configuration },
    errors: ["conflict", "unsupported", "deadline_exceeded"],
    handler: ({ ctx, body, services }) => services.configuration.put(ctx, body),
  }),
];
