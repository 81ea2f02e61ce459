/** The HTTP application: every route, mounted, never listening. */
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./_env.ts";
import { accessLog } from "./_middleware/access_log.ts";
import { REQUEST_ID_HEADER, requestId } from "./_middleware/request_id.ts";
import { securityHeaders } from "./_middleware/security_headers.ts";
import { wellFormedUrl } from "./_middleware/well_formed_url.ts";
import { mountRoutes } from "./_mount.ts";
import type { Route } from "./_route.ts";
import { auditRoutes } from "./audit.ts";
import { configRoutes } from "./config.ts";
import { documentationRoutes } from "./documentation.ts";
import { evolveRoutes } from "./evolve.ts";
import { healthRoutes } from "./health.ts";
import { maintenanceRoutes } from "./maintenance.ts";
import { metricsRoutes } from "./metrics.ts";
import { monitorRoutes } from "./monitor.ts";
import { operationRoutes } from "./operations.ts";
import { pipelineRoutes } from "./pipelines.ts";
import { queryRoutes } from "./query.ts";
import type { Services } from "./services.ts";
import { sessionRoutes } from "./session.ts";
import { tableRoutes } from "./tables.ts";
import { tokenRoutes } from "./tokens.ts";
import { userRoutes } from "./users.ts";

export type { HealthProbes, HttpSettings, Services } from "./services.ts";

/** How long a browser may remember a preflight answer, in seconds. */
const PREFLIGHT_MAX_AGE_SECONDS = 600;

/** Every route of the server, in the order of its documentation. */
export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...tableRoutes,
  ...queryRoutes,
  ...maintenanceRoutes,
  ...evolveRoutes,
  ...operationRoutes,
  ...pipelineRoutes,
  ...monitorRoutes,
  ...configRoutes,
  ...userRoutes,
  ...tokenRoutes,
  ...sessionRoutes,
  ...auditRoutes,
  ...documentationRoutes,
  ...metricsRoutes,
];

/** Builds the application; throws a `TypeError` where a route is not declared well. */
export function buildApp(services: Services, routes: readonly Route[] = ROUTES): Hono<AppEnv> {
  const { log, metrics, http } = services;
  const app = new Hono<AppEnv>();
  app.use(requestId(log), accessLog(metrics), securityHeaders(), wellFormedUrl());
  if (http.corsOrigins.length > 0) {
    app.use(cors({
      origin: [...http.corsOrigins],
      allowHeaders: ["Authorization", "Content-Type", REQUEST_ID_HEADER],
      exposeHeaders: ["Allow", "Location", "Retry-After", REQUEST_ID_HEADER],
      maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    }));
  }
  mountRoutes(app, routes, services);
  return app;
}
