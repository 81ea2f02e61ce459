/**
 * Finds out what became of changes that a server was about to make when it died. The table is the
 * witness: it is read, and the operation is ended as its server would have.
 *
 * ```
 * closed by another server ─► in doubt ─┬─ came through ─────► succeeded, or unknown: more was to be done
 *                                       ├─ did not ──────────► failed: a repeat is a new try
 *                                       └─ nobody can tell ──► unknown, for good
 * ```
 */
import { z } from "zod";
import { recordAudit } from "../access/mod.ts";
import { findTable } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { findCommitJob, type FindCommitReceipt } from "../jobs/mod.ts";
import { sql } from "../state/mod.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { callOf, CommitRecord } from "./_commit_record.ts";
import { gatewayTo } from "./_gateway.ts";
import { SERVER_STOPPED } from "./_store.ts";
import type { OperationsDeps } from "./operations_deps.ts";

/** Operations looked at after one heartbeat. */
const MAX_AT_ONCE = 16;
/** How long a dead server's commit may still be on its way: it has been silent for a while already. */
const SETTLE_MS = 5_000;

const Doubtful = z.object({
  id: z.string(),
  table_name: z.string(),
  commit_note: z.string().transform((text): unknown => JSON.parse(text)).pipe(CommitRecord),
  principal_id: z.string(),
  principal_name: z.string(),
  agent: z.string().nullable(),
});
type Doubtful = z.output<typeof Doubtful>;

/**
 * Settles what is in doubt. Never rejects: what cannot be looked at now is tried again with a later
 * heartbeat.
 */
export async function settleDoubts(deps: OperationsDeps, signal: AbortSignal): Promise<void> {
  const { state, log } = deps;
  try {
    const found = await state.read(
      Doubtful,
      sql`SELECT id, table_name, commit_note, principal_id, principal_name, agent FROM operations
        WHERE state = 'unknown' AND error_code = ${SERVER_STOPPED}
        AND json_extract(commit_note, '$.base') IS NOT NULL ORDER BY seq LIMIT ${MAX_AT_ONCE}`,
    );
    for (const one of found) {
      await settle(deps, one, signal).catch((error: unknown) =>
        log.warn("Cannot find out what became of an operation", { operation_id: one.id, error })
      );
    }
  } catch (error) {
    log.warn("Cannot look for operations in doubt", { error });
  }
}

async function settle(deps: OperationsDeps, one: Doubtful, signal: AbortSignal): Promise<void> {
  const receipt = await ask(deps, one, signal);
  const { commit_note: note } = one;
  const end = endOf(receipt, note);
  const atMs = deps.clock.now();
  await deps.state.transaction(async (tx) => {
    const changed = await tx.run(sql`UPDATE operations SET state = ${end.state},
      details = ${end.details}, error_kind = ${end.error?.kind ?? null},
      error_code = ${end.error?.code ?? null}, error_detail = ${end.error?.detail ?? null}
      WHERE id = ${one.id} AND state = 'unknown' AND error_code = ${SERVER_STOPPED}`);
    // Another server may have been faster.
    if (changed === 0 || end.state !== "succeeded" || note.ending?.audit == null) return;
    const { before, after } = note.ending.audit;
    const who = { id: one.principal_id, name: one.principal_name, agent: one.agent };
    await recordAudit(tx, {
      ctx: callOf(note, who),
      action: note.by.action,
      target: `table:${one.table_name}`,
      before,
      after: { operation_id: one.id, result: after },
      atMs,
    });
  });
}

/** Asks the table. One that is gone tells nothing. */
async function ask(
  { withCatalog, runner, clock }: OperationsDeps,
  { id, table_name: table, commit_note: commit }: Doubtful,
  signal: AbortSignal,
): Promise<FindCommitReceipt> {
  try {
    return await withCatalog(async (catalog) => {
      const location = await findTable(catalog, table, { signal });
      const params = { location, operationId: id, commit, settleMs: SETTLE_MS };
      const operationId = uuidV7(clock.now());
      return await runner.run(findCommitJob, params, {
        operationId,
        signal,
        gateway: gatewayTo(catalog),
      });
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
    return { outcome: "unsure", landedBefore: false };
  }
}

interface SettledEnd {
  readonly state: "succeeded" | "failed" | "unknown";
  readonly details: string | null;
  readonly error:
    | { readonly kind: AppError["kind"]; readonly code: string; readonly detail: string }
    | null;
}

function endOf({ outcome, landedBefore }: FindCommitReceipt, note: CommitRecord): SettledEnd {
  const unknown = (code: string, detail: string): SettledEnd => ({
    state: "unknown",
    details: null,
    error: { kind: "commit_state_unknown", code, detail },
  });
  if (outcome === "landed" && note.ending !== null) {
    return { state: "succeeded", details: note.ending.details, error: null };
  }
  if (outcome === "landed" || landedBefore) {
    return unknown(
      "interrupted_after_commit",
      "The server stopped when the operation had changed the table and more was to be done; the " +
        "snapshots of the table show what was done",
    );
  }
  if (outcome === "unsure") {
    return unknown(
      "interrupted_while_committing",
      "The server stopped while the operation changed the table, which does not tell any more " +
        "whether the change came through",
    );
  }
  const detail = "The server stopped before the operation changed the table";
  return {
    state: "failed",
    details: null,
    error: { kind: "unavailable", code: "server_stopped_before_commit", detail },
  };
}
