/** Starts that are asked for again: an idempotency key counts while a pipeline remembers it. */
import { createHash } from "node:crypto";
import type { Principal } from "../access/mod.ts";
import { AppError } from "../errors.ts";
import type { SqlReader } from "../state/mod.ts";
import type { PipelineRow } from "./_row.ts";
import { findByStartKey, type StartKey } from "./_store.ts";
import type { StartPipelineRequest } from "./contract/requests.ts";

/** Digests of the key that a client gave a request; null where it gave none. */
export function startKeyOf(
  request: StartPipelineRequest,
  { principal, idempotencyKey }: {
    readonly principal: Principal;
    readonly idempotencyKey: string | null;
  },
): StartKey | null {
  const digest = (value: unknown) =>
    createHash("sha256").update(JSON.stringify(value)).digest("hex");
  return idempotencyKey === null
    ? null
    : { key: digest([principal.id, idempotencyKey]), request: digest(request) };
}

/**
 * The pipeline that an earlier request with the same key has started; null where none remembers it.
 * `invalid`/`idempotency_key_reused` where that was another request.
 */
export async function findRepeated(
  reader: SqlReader,
  startKey: StartKey | null,
): Promise<PipelineRow | null> {
  const row = startKey === null ? null : await findByStartKey(reader, startKey.key);
  return row === null ? null : repeatedAmong([row], startKey);
}

/** As {@linkcode findRepeated}, among pipelines that were just read. */
export function repeatedAmong(
  rows: readonly PipelineRow[],
  startKey: StartKey | null,
): PipelineRow | null {
  if (startKey === null) return null;
  const row = rows.find(({ start_key: key }) => key === startKey.key) ?? null;
  if (row === null || row.start_request === startKey.request) return row;
  const message = "Cannot use the Idempotency-Key: another request came with it; choose a new one";
  throw new AppError("invalid", "idempotency_key_reused", message, {
    issues: [{ path: "Idempotency-Key", message: "was used for a request with other content" }],
  });
}
