/** Creating a table in a REST catalog, which writes the metadata itself. */
import { formatIdentifier } from "../iceberg/ports.ts";
import {
  partitionSpecToJson,
  schemaToJson,
  sortOrderToJson,
} from "../iceberg/spec/metadata_parts.ts";
import { type JsonOutput, stringifyJson } from "../json.ts";
import { uuidV7 } from "../uuid_v7.ts";
import type { HttpResponse } from "./_http.ts";
import { newTableMetadata } from "./_new_table.ts";
import { errorType, restFailure } from "./_rest_errors.ts";
import type { RestSession } from "./_rest_session.ts";
import { createFailure, sendChange } from "./_rest_writes.ts";
import type { TableDefinition } from "./ports.ts";

/** Stands in for the id that the server assigns. */
const NO_UUID = "00000000-0000-0000-0000-000000000000";

/** Options of {@linkcode createRestTable}. */
export interface RestCreateOptions {
  /** Namespace levels as one path segment. */
  readonly encode: (namespace: readonly string[]) => string;
  readonly signal?: AbortSignal | undefined;
}

/** Creates an empty table, and its namespaces where they are missing; gives out the answer. */
export async function createRestTable(
  session: RestSession,
  definition: TableDefinition,
  options: RestCreateOptions,
): Promise<HttpResponse> {
  const { identifier } = definition;
  const { encode, signal } = options;
  // The server's own refusal would not say what is wrong; ids and location are its business.
  newTableMetadata(definition, { location: "s3://any", tableUuid: NO_UUID, nowMs: 0 });
  const change = {
    method: "POST",
    path: `namespaces/${encode(identifier.namespace)}/tables`,
    headers: { "x-iceberg-access-delegation": "vended-credentials" },
    body: toBytes(createRequest(definition)),
    action: `create table "${formatIdentifier(identifier)}"`,
  } as const;
  const send = () => sendChange(session, change, { signal, idempotencyKey: uuidV7(Date.now()) });
  let answer = await send();
  const type = errorType(answer.body);
  // Nessie says 409 without a type where a namespace is missing.
  const mayMissNamespace = (answer.status === 404 && type !== null) ||
    (answer.status === 409 && type !== "AlreadyExistsException");
  if (mayMissNamespace) {
    await createNamespaces(session, identifier.namespace, options);
    answer = await send();
  }
  if (answer.status < 200 || answer.status > 299) throw createFailure(answer, identifier);
  return answer;
}

/** Outermost first: a server may want to see the parents. */
async function createNamespaces(
  session: RestSession,
  namespace: readonly string[],
  { signal }: RestCreateOptions,
): Promise<void> {
  for (let length = 1; length <= namespace.length; length++) {
    const levels = namespace.slice(0, length);
    const action = `create namespace "${levels.join(".")}"`;
    const body = toBytes({ namespace: levels, properties: {} });
    const change = { method: "POST", path: "namespaces", body, action } as const;
    const answer = await sendChange(session, change, {
      signal,
      idempotencyKey: uuidV7(Date.now()),
    });
    // 409: it is there, which is all that is wanted.
    if (answer.status !== 409 && (answer.status < 200 || answer.status > 299)) {
      throw restFailure(answer, action);
    }
  }
}

function createRequest(definition: TableDefinition): JsonOutput {
  const { identifier, schema, spec, sortOrder, properties, formatVersion } = definition;
  return {
    name: identifier.name,
    schema: schemaToJson(schema),
    "partition-spec": partitionSpecToJson(spec),
    "write-order": sortOrderToJson(sortOrder),
    "stage-create": false,
    // The request has no field for it; servers take it from here.
    properties: { ...properties, "format-version": String(formatVersion) },
  };
}

function toBytes(json: JsonOutput): Uint8Array {
  return new TextEncoder().encode(stringifyJson(json));
}
