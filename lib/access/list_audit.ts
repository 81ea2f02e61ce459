/** Reads the audit, newest first. */
import { z } from "zod";

/** Narrows the audit. Each field given must match. */
export const AuditFilter = z.strictObject({
  principal: z.string().max(1024).optional().describe("name or id of who acted"),
  action: z.string().max(256).optional().describe("for example token.create"),
  target: z.string().max(1024).optional().describe("for example token:tok_1f"),
  agent: z.string().max(256).optional().describe("name of the agent that acted"),
  since: z.iso.datetime({ offset: true }).optional().describe("rows from this time on"),
  until: z.iso.datetime({ offset: true }).optional().describe("rows before this time"),
}).meta({ id: "AuditFilter" });
export type AuditFilter = z.infer<typeof AuditFilter>;
