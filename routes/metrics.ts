/** Figures for Prometheus. They show what the server does for whom, so they need a principal. */
import { type Route, route } from "./_route.ts";

/** `GET /metrics`. */
export const metricsRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/metrics",
    operation: "getMetrics",
    tag: "Health",
    summary: "Metrics in the Prometheus text format",
    description: "Give the scraper a token of an Auditor (`authorization.credentials_file`).",
    role: "Auditor",
    answer: { status: 200, description: "Samples", mediaTypes: ["text/plain"] },
    handler: async ({ services }) => {
      const { text, contentType } = await services.metrics.render();
      return new Response(text, { headers: { "content-type": contentType } });
    },
  }),
];
