/**
 * What is stored before a commit is tried: enough for another server to find out later whether it
 * came through, and then to end the operation as this one would have.
 */
import { z } from "zod";
import { type Action, type AuditedCall, ROLES } from "../access/mod.ts";
import { type CommitNote, TriedCommit } from "../jobs/mod.ts";
import { toJson } from "./_store.ts";
import type { JobOperation, OperationContext, OperationFacts } from "./operation_request.ts";

/** A state before and after, for the audit. */
export interface AuditedChange {
  readonly before: unknown;
  readonly after: unknown;
}

/** How an operation ends that succeeds. */
export interface Ending {
  /** `details_json`. */
  readonly details: string;
  /** Null where nothing was changed. */
  readonly audit: AuditedChange | null;
}

/** How an operation with this result ends. */
export function endingOf<P, R>(operation: OperationFacts<P, R>, result: R): Ending {
  const isDry = operation.dryRun === true;
  const details = operation.toDetails(result);
  const change = operation.toAudit?.(result) ?? { before: null, after: details };
  return {
    details: toJson({ ...details, ...(isDry ? { dry_run: true } : {}) }),
    audit: isDry ? null : change,
  };
}

/** As it is stored. */
export const CommitRecord = TriedCommit.extend({
  atMs: z.number(),
  /** Null where more is to be done after the commit. */
  ending: z.object({
    details: z.string(),
    audit: z.object({ before: z.unknown(), after: z.unknown() }).nullable(),
  }).nullable(),
  /** Beside what the operation's row says of who asked for it. */
  by: z.object({
    action: z.string().transform((text) => text as Action),
    role: z.enum(ROLES),
    credential: z.enum(["token", "jwt", "session", "ticket", "development", "local"]),
    requestId: z.string(),
  }),
});
export type CommitRecord = z.output<typeof CommitRecord>;

/** The record of a commit that is about to be tried. */
export function commitRecord<P, R>(
  note: CommitNote,
  { ctx, operation }: { readonly ctx: OperationContext; readonly operation: JobOperation<P, R> },
): CommitRecord {
  const { base, lastUpdatedMs, snapshotIds, atMs, receipt } = note;
  const { principal, requestId } = ctx;
  return {
    base,
    lastUpdatedMs,
    snapshotIds: [...snapshotIds],
    atMs,
    ending: receipt === null ? null : endingOf(operation, operation.job.result.parse(receipt)),
    by: {
      action: operation.action,
      role: principal.role,
      credential: principal.credential.kind,
      requestId,
    },
  };
}

/** The call that a record's operation served, as far as the audit tells of calls. */
export function callOf(
  { by }: CommitRecord,
  { id, name, agent }: {
    readonly id: string;
    readonly name: string;
    readonly agent: string | null;
  },
): AuditedCall {
  const { role, credential: kind, requestId } = by;
  return { agent, requestId, principal: { id, name, role, credential: { kind } } };
}
