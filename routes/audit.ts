/** The audit trail. */
import { z } from "zod";
import { AuditFilter, AuditList, MAX_ACCESS_PAGE } from "../lib/access/mod.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";

/** `GET /api/audit`. */
export const auditRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/audit",
    operation: "listAudit",
    tag: "Access",
    summary: "Read the audit, newest first",
    description: "Who changed what, when, before and after, and whether an agent did it.",
    role: "LeadDataEngineer",
    query: z.strictObject({ ...pageFields(MAX_ACCESS_PAGE), ...AuditFilter.shape }),
    answer: { status: 200, description: "Audit rows", schema: AuditList },
    handler: ({ ctx, query, services }) => {
      const { limit, cursor, ...filter } = query;
      const page = toPage({ limit, cursor }, MAX_ACCESS_PAGE);
      return services.access.listAudit(ctx, { ...page, filter });
    },
  }),
];
