/**
 * A REST catalog in this process that really keeps tables: it checks requirements, applies updates
 * and remembers idempotency keys as the specification says. What becomes of changes, a test says.
 */
import { AppError } from "../../lib/errors.ts";
import { applyUpdates } from "../../lib/iceberg/commit/apply_updates.ts";
import { checkRequirements } from "../../lib/iceberg/commit/check_requirements.ts";
import { newTableMetadata } from "../../lib/iceberg/commit/new_table_metadata.ts";
import {
  partitionSpecFromJson,
  schemaFromJson,
  sortOrderFromJson,
} from "../../lib/iceberg/spec/metadata_parts.ts";
import { tableMetadataToJson } from "../../lib/iceberg/spec/serialize_table_metadata.ts";
import type { FormatVersion, TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import { type JsonValue, parseJson, stringifyJson } from "../../lib/json.ts";
import { type Handler, restError, type SeenRequest } from "./fake_rest_catalog.ts";
import { requirementFromJson, updateFromJson } from "./rest_commit_json.ts";

/** What becomes of one change. */
export type ChangeFate =
  /** Is done and answered. */
  | "done"
  /** Answered with this status, without having been done, or after. */
  | { readonly status: number; readonly after: boolean; readonly headers?: HeadersInit }
  /** Done twice, as by a proxy that repeats requests; the second answer is given. */
  | "done twice";

/** A catalog with tables. */
export interface FakeRestTables {
  readonly handler: Handler;
  /** Metadata by dotted name. */
  readonly tables: ReadonlyMap<string, TableMetadata>;
  /** Decides what becomes of each change; null for one that is done and answered. */
  setFate(fate: (request: SeenRequest) => ChangeFate | null): void;
  /** How often a commit has been applied. */
  readonly applied: () => number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Stored {
  readonly metadata: TableMetadata;
  readonly version: number;
}

/** Options of {@linkcode fakeRestTables}. */
export interface FakeRestTablesOptions {
  /** Advertises and honours idempotency keys. */
  readonly isIdempotent?: boolean;
  /** Where tables lie; `s3://lake` by default. */
  readonly root?: string;
  /** Milliseconds since the epoch; the machine's clock by default. */
  readonly now?: () => number;
}

/** A fake. */
export function fakeRestTables(
  options: FakeRestTablesOptions = {},
): FakeRestTables {
  return new RestTables(options);
}

class RestTables implements FakeRestTables {
  readonly handler: Handler = (request) => this.#handle(request);
  readonly #isIdempotent: boolean;
  readonly #now: () => number;
  readonly #root: string;
  readonly #stored = new Map<string, Stored>();
  readonly #namespaces = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  #fate: (request: SeenRequest) => ChangeFate | null = () => null;
  #applied = 0;

  constructor({ isIdempotent = false, now = Date.now, root = "s3://lake" }: FakeRestTablesOptions) {
    this.#isIdempotent = isIdempotent;
    this.#now = now;
    this.#root = root;
  }

  get tables(): ReadonlyMap<string, TableMetadata> {
    return new Map([...this.#stored].map(([name, { metadata }]) => [name, metadata]));
  }

  setFate(fate: (request: SeenRequest) => ChangeFate | null): void {
    this.#fate = fate;
  }

  applied = () => this.#applied;

  #handle(request: SeenRequest): Response | null {
    const { method, path } = request;
    if (path === "/v1/config") {
      const lifetime = this.#isIdempotent ? { "idempotency-key-lifetime": "PT30M" } : {};
      return Response.json({ defaults: {}, overrides: {}, ...lifetime });
    }
    if (method === "GET") return toResponse(this.#load(path));
    const fate = this.#fate(request) ?? "done";
    if (typeof fate === "object") {
      if (fate.after) this.#once(request);
      const { status, headers = {} } = fate;
      const error = restError(status, "MadeUpException");
      return new Response(error.body, { status, headers });
    }
    if (fate === "done twice") this.#once(request);
    return toResponse(this.#once(request));
  }

  /** Done under its key once, and answered again after that; 5xx are not remembered. */
  #once(request: SeenRequest): Answer {
    const key = this.#isIdempotent ? request.headers.get("idempotency-key") : null;
    const known = key === null ? undefined : this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#change(request);
    if (key !== null && answer.status < 500) this.#answers.set(key, answer);
    return answer;
  }

  #change({ method, path, body }: SeenRequest): Answer {
    const json = body === "" ? {} : parseJson(body) as Record<string, JsonValue>;
    const [, namespace, table] = /^\/v1\/namespaces(?:\/([^/]+)\/tables(?:\/(.+))?)?$/.exec(path) ??
      [];
    if (namespace === undefined) {
      const name = (json["namespace"] as string[]).join(".");
      if (this.#namespaces.has(name)) return failure(409, "AlreadyExistsException");
      this.#namespaces.add(name);
      return { status: 200, body: stringifyJson({ namespace: name.split(".") }) };
    }
    const within = decodeURIComponent(namespace).split("\x1f").join(".");
    if (table === undefined) return this.#create(within, json);
    const name = `${within}.${decodeURIComponent(table)}`;
    const stored = this.#stored.get(name);
    if (stored === undefined) return failure(404, "NoSuchTableException");
    if (method === "DELETE") {
      this.#stored.delete(name);
      return { status: 204, body: "" };
    }
    return this.#commit(name, stored, json);
  }

  #create(namespace: string, json: Record<string, JsonValue>): Answer {
    if (!this.#namespaces.has(namespace)) return failure(404, "NoSuchNamespaceException");
    const name = `${namespace}.${json["name"]}`;
    if (this.#stored.has(name)) return failure(409, "AlreadyExistsException");
    const { "format-version": formatVersion, ...properties } = json["properties"] as Record<
      string,
      string
    >;
    const metadata = newTableMetadata({
      schema: schemaFromJson(json["schema"] ?? null),
      spec: partitionSpecFromJson(json["partition-spec"] ?? null),
      sortOrder: sortOrderFromJson(json["write-order"] ?? null),
      properties,
      formatVersion: Number(formatVersion) as FormatVersion,
    }, {
      location: `${this.#root}/${name.replaceAll(".", "/")}`,
      tableUuid: crypto.randomUUID(),
      nowMs: this.#now(),
    });
    this.#stored.set(name, { metadata, version: 0 });
    return this.#answerOf(name);
  }

  #commit(name: string, stored: Stored, json: Record<string, JsonValue>): Answer {
    const requirements = json["requirements"] as readonly Record<string, JsonValue>[];
    const updates = json["updates"] as readonly Record<string, JsonValue>[];
    try {
      checkRequirements(requirements.map(requirementFromJson), stored.metadata);
      const { formatVersion } = stored.metadata;
      const changes = updates.map((update) => updateFromJson(update, formatVersion));
      const metadata = applyUpdates(stored.metadata, changes, { nowMs: this.#now() });
      this.#stored.set(name, { metadata, version: stored.version + 1 });
      this.#applied++;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.kind === "conflict"
        ? failure(409, "CommitFailedException")
        : failure(400, "BadRequestException");
    }
    return this.#answerOf(name);
  }

  #load(path: string): Answer {
    const [, namespace, table] = /^\/v1\/namespaces\/([^/]+)\/tables\/(.+)$/.exec(path) ?? [];
    if (namespace === undefined || table === undefined) return failure(404, "NotFoundException");
    const within = decodeURIComponent(namespace).split("\x1f").join(".");
    const name = `${within}.${decodeURIComponent(table)}`;
    return this.#stored.has(name) ? this.#answerOf(name) : failure(404, "NoSuchTableException");
  }

  #answerOf(name: string): Answer {
    const stored = this.#stored.get(name);
    if (stored === undefined) return failure(404, "NoSuchTableException");
    const { metadata, version } = stored;
    const location = `${metadata.location}/metadata/${
      String(version).padStart(5, "0")
    }-x.metadata.json`;
    return {
      status: 200,
      body: stringifyJson({
        "metadata-location": location,
        metadata: tableMetadataToJson(metadata),
      }),
    };
  }
}

function toResponse({ status, body }: Answer): Response {
  return new Response(status === 204 ? null : body, {
    status,
    headers: { "content-type": "application/json" },
  });
}

function failure(code: number, type: string): Answer {
  const error = { message: "made up", type, code };
  return { status: code, body: stringifyJson({ error }) };
}
