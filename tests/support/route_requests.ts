/** For every route a request that succeeds, given the right to make it. */
import type { Route } from "../../routes/_route.ts";

/** What the requests refer to. */
export interface RouteSubjects {
  /** A user that may be changed. */
  readonly userName: string;
  /** A token that may be revoked. */
  readonly tokenId: string;
}

let made = 0;

/** A request that the route accepts; a new one on each call. */
export function acceptableRequest(
  route: Route,
  subjects: RouteSubjects,
): {
  readonly path: string;
  readonly method: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
} {
  const params: Readonly<Record<string, string>> = {
    table_name: "db.events",
    name: subjects.userName,
    token_id: subjects.tokenId,
    file: "start.js",
    id: "01990000-0000-7000-8000-000000000001",
    pipeline_id: "01990000-0000-7000-8000-000000000002",
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`No value for "${name}" of ${route.path}`);
    return encodeURIComponent(value);
  });
  const { method, stream } = route;
  const [streamed] = stream?.mediaTypes ?? [];
  if (streamed !== undefined) {
    return { path, method, body: "rows", headers: { "content-type": streamed } };
  }
  const body = bodyOf(route, subjects);
  return body === undefined ? { path, method, body, headers: {} } : {
    path,
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  };
}

function bodyOf(route: Route, { userName }: RouteSubjects): unknown {
  if (route.body === null) return undefined;
  switch (route.operation) {
    case "createUser":
      return { name: `made-${made++}`, role: "Auditor" };
    case "updateUser":
      return { role: "Auditor" };
    case "createToken":
      return { user: userName, expires_in_days: 1 };
    case "putConfig":
      return { catalog_type: "hadoop", warehouse: "/srv/warehouse", catalog_name: "drls" };
    case "runQuery":
      return { sql: "SELECT 1" };
    case "compactTable":
    case "expireSnapshots":
    case "removeOrphanFiles":
    case "rewriteManifests":
      return { table: "db.events" };
    case "addColumn":
      return { table: "db.events", name: "source", type: "STRING" };
    case "renameColumn":
      return { table: "db.events", old_name: "payload", new_name: "data" };
    case "dropColumn":
      return { table: "db.events", name: "source" };
    case "updateColumn":
      return { table: "db.events", name: "id", type: "BIGINT" };
    case "rollbackTable":
      return { table: "db.events", snapshot_id: "1" };
    case "startPipeline":
      return {
        source_table: "db.events",
        sink_table: "db.output",
        checkpoint_location: "/tmp/checkpoint",
      };
    case "createTable":
      return { table: `db.made_${made++}`, schema: [{ name: "id", type: "BIGINT" }] };
    default:
      throw new TypeError(`No body for ${route.operation}`);
  }
}
