/** Whether the server lives, and whether it can do its work. */
import { z } from "zod";
import { AppError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import { publicRoute, type Route } from "./_route.ts";

const Reachability = z.enum(["ok", "unreachable"]);

const Health = z.object({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  uptime_seconds: z.number().nonnegative(),
  state: Reachability.describe("the database of users, tokens and configuration"),
  catalog: z.enum(["ok", "unreachable", "not_configured"]),
}).meta({ id: "Health" });

const Ready = z.object({ status: z.literal("ready") }).meta({ id: "Ready" });

/** `GET /api/health` and `GET /api/health/ready`: words only, so both are open to anybody. */
export const healthRoutes: readonly Route[] = [
  publicRoute({
    method: "GET",
    path: "/api/health",
    operation: "getHealth",
    tag: "Health",
    summary: "Health check",
    description: "200 as long as the process serves, also while a dependency is away: then " +
      "`status` is `degraded`. Restarting the server would not bring a dependency back; to take " +
      "it out of rotation, ask `/api/health/ready`.",
    answer: { status: 200, description: "The server lives", schema: Health },
    handler: async ({ services }) => {
      const { health } = services;
      const [state, catalog] = await Promise.all([health.state(), health.catalog()]);
      const body: z.infer<typeof Health> = {
        status: state === "ok" && catalog !== "unreachable" ? "ok" : "degraded",
        version: VERSION,
        uptime_seconds: health.uptimeSeconds(),
        state,
        catalog,
      };
      return body;
    },
  }),
  publicRoute({
    method: "GET",
    path: "/api/health/ready",
    operation: "getReadiness",
    tag: "Health",
    summary: "Readiness check",
    description: "200 if the server can do its work, 503 while its state or catalog is away or " +
      "it is stopping.",
    answer: { status: 200, description: "The server is ready", schema: Ready },
    handler: async ({ services }) => {
      const { health } = services;
      const [state, catalog] = await Promise.all([health.state(), health.catalog()]);
      const reason = health.stopping()
        ? "the server is stopping"
        : state !== "ok"
        ? "the state database cannot be reached"
        : catalog === "unreachable"
        ? "the catalog cannot be reached"
        : null;
      if (reason !== null) {
        throw new AppError("unavailable", "not_ready", `Cannot serve: ${reason}`, {
          retryable: true,
          retryAfterSeconds: READY_RETRY_SECONDS,
        });
      }
      return { status: "ready" as const };
    },
  }),
];

const READY_RETRY_SECONDS = 2;
