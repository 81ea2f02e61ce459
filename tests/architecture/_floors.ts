/** The floors of the house and which imports go down the stairs. See `docs/architecture.md`. */
import type { Import, ImportGraph } from "./_import_graph.ts";

const ADAPTERS = new Set([
  "storage",
  "catalog",
  "columnar",
  "sql",
  "state",
  "access",
  "jobs",
  "operations",
  "pins",
]);

/** Adapters that stand on another one; all others stand beside each other. */
const ADAPTER_SUPPORT: Readonly<Record<string, readonly string[]>> = {
  catalog: ["storage"],
  sql: ["columnar"],
  columnar: ["jobs"],
  access: ["state"],
  jobs: ["catalog", "storage"],
  operations: ["access", "state", "jobs", "catalog"],
  pins: ["state"],
};

/** Rooms that only verbs enter: a route that queried the database would skip role and audit. */
const SHUT_TO_ROUTES = new Set(["iceberg", "storage", "state", "columnar", "sql"]);

/** Where a module lives: its top-level folder, and under `lib` its folder and floor. */
interface Place {
  readonly top: string;
  /** Folder under `lib`; null for leaves and outside `lib`. */
  readonly room: string | null;
  /** 0 leaves, 1 iceberg, 2 adapters, 3 features, 4 agent; null outside `lib`. */
  readonly floor: number | null;
}

/** Each import of the graph that breaks a rule, as `from -> to: why`; type imports count too. */
export function findForbiddenImports(graph: ImportGraph): readonly string[] {
  const found: string[] = [];
  for (const [from, imports] of graph) {
    for (const { specifier, target, kind } of imports) {
      const why = target === null
        ? forbidThirdParty(from, specifier)
        : forbidProjectImport(from, { specifier, target, kind });
      if (why !== null) found.push(`${from} -> ${target ?? specifier}: ${why}`);
    }
  }
  return found.sort();
}

function forbidThirdParty(from: string, specifier: string): string | null {
  const isHono = specifier === "hono" || specifier.startsWith("hono/");
  const { top } = placeOf(from);
  return isHono && (top === "lib" || top === "workers")
    ? "only routes and main.ts know the web framework"
    : null;
}

function forbidProjectImport(from: string, edge: Import & { readonly target: string }) {
  const source = placeOf(from);
  const target = placeOf(edge.target);
  if (!/\.[a-z]+$/.test(edge.specifier)) return "a relative import names its file in full";
  if (edge.target === "main.ts") return "nothing imports main.ts";
  if (edge.kind === "worker" || edge.target === "deno.json") return null;
  if (source.top === "tests" || source.top === "bench") return null;
  if (target.top === "tests" || target.top === "bench") return "tests are not part of the program";
  return forbidTop(source, target) ?? forbidFloor(source, target) ??
    forbidInternal(from, edge.target) ?? forbidBackDoor(source, edge.target);
}

function forbidTop(source: Place, target: Place): string | null {
  if (source.top === target.top || source.top === "main.ts") return null;
  if (source.room === "state" && target.top === "migrations") return null;
  if (source.top === "lib") return `lib does not know ${target.top}`;
  if (source.top === "lint" || target.top === "lint") return "lint stands alone";
  if (target.top === "lib") {
    const shut = source.top === "routes" && SHUT_TO_ROUTES.has(target.room ?? "");
    return shut ? "routes call verbs, which alone reach the core, the stores and the state" : null;
  }
  return `${source.top} does not know ${target.top}`;
}

function forbidFloor(source: Place, target: Place): string | null {
  if (source.floor === null || target.floor === null) return null;
  if (source.room === target.room) return null;
  if (source.floor > target.floor) return null;
  if (source.floor < target.floor) return "lib imports downward only";
  if (source.room !== null && target.room !== null) {
    if (ADAPTER_SUPPORT[source.room]?.includes(target.room)) return null;
  }
  return "neighbours on one floor do not import each other";
}

/** `_name.ts` and `_name/` are for the folder they lie in. */
function forbidInternal(from: string, target: string): string | null {
  const at = target.search(/(?:^|\/)_/);
  if (at === -1) return null;
  const owner = target.slice(0, at + 1);
  return from.startsWith(owner) ? null : `${target.slice(at + 1)} is internal to ${owner}`;
}

function forbidBackDoor(source: Place, target: string): string | null {
  const { room } = placeOf(target);
  if (room === null || room === "iceberg" || room === source.room) return null;
  // A folder inside a room may have a door of its own, where one door would load too much.
  return target.endsWith("/mod.ts") ? null : `lib/${room} is entered through a mod.ts`;
}

function placeOf(path: string): Place {
  const [top = "", second = "", ...rest] = path.split("/");
  if (top !== "lib") return { top, room: null, floor: null };
  if (rest.length === 0) return { top, room: null, floor: 0 };
  const floor = second === "iceberg" ? 1 : ADAPTERS.has(second) ? 2 : second === "agent" ? 4 : 3;
  return { top, room: second, floor };
}
