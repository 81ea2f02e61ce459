/**
 * What a query needs of its tables, as the engine plans it. The tables are declared empty, so that
 * planning costs nothing and the plan says which columns and which filters reach each scan.
 */

/** One table as the query reads it. */
export interface PlannedScan {
  /** Columns of the table; empty where only rows are counted. */
  readonly columns: ReadonlySet<string>;
  /**
   * Per scan of the table its filters, and those right above it, as the engine prints them. A row is
   * needed if it passes all filters of one scan.
   */
  readonly filters: readonly (readonly string[])[];
}

/** A query's plan. */
export interface QueryPlan {
  /** By engine table name; a table that the plan does not scan is missing. */
  readonly scans: ReadonlyMap<string, PlannedScan>;
  /**
   * How the rows of a single scan become the result: `rows`, each on its own, so that the table can
   * be run through the query in pieces; `limited`, as `rows` with one limit on top; `whole`, all
   * together.
   */
  readonly shape: "rows" | "limited" | "whole";
  /** What rows come from, as the engine calls it: `SEQ_SCAN`, `RANGE`, `DUCKDB_TABLES`. */
  readonly sources: ReadonlySet<string>;
}

interface PlanNode {
  readonly name: string;
  readonly children: readonly PlanNode[];
  readonly extra_info: Readonly<Record<string, string | readonly string[]>>;
}

const ROW_NODES = new Set(["PROJECTION", "FILTER", "SEQ_SCAN"]);
const LIMIT_NODES = new Set(["STREAMING_LIMIT", "LIMIT"]);

/** Reads the plans of one query: one with filters pushed into scans, one without, for the columns. */
export function readPlan(explained: {
  readonly filters: string;
  readonly columns: string;
}): QueryPlan {
  const pushed = parsePlan(explained.filters);
  const columns = new Map<string, Set<string>>();
  for (const { table, node } of scansOf(parsePlan(explained.columns))) {
    const known = columns.get(table) ?? new Set();
    for (const column of textsOf(node, "Projections")) known.add(column);
    columns.set(table, known);
  }
  const filters = new Map<string, (readonly string[])[]>();
  for (const { table, node, above } of scansOf(pushed)) {
    const own = [...textsOf(node, "Filters"), ...above];
    filters.set(table, [...filters.get(table) ?? [], own]);
  }
  const scans = new Map(
    [...columns].map(([table, needed]) => [
      table,
      { columns: needed, filters: filters.get(table) ?? [[]] },
    ]),
  );
  return { scans, shape: shapeOf(pushed), sources: new Set(sourcesOf(pushed)) };
}

function parsePlan(json: string): readonly PlanNode[] {
  return JSON.parse(json);
}

interface ScanNode {
  readonly table: string;
  readonly node: PlanNode;
  /** Filters right above it. */
  readonly above: readonly string[];
}

function* scansOf(
  nodes: readonly PlanNode[],
  above: readonly string[] = [],
): Generator<ScanNode> {
  for (const node of nodes) {
    const [table] = textsOf(node, "Table");
    if (table !== undefined) yield { table, node, above };
    // Further up, columns may have other names, or belong to other tables.
    const isFilter = node.name.trim() === "FILTER";
    yield* scansOf(node.children, isFilter ? textsOf(node, "Expression") : []);
  }
}

/** An entry is a text where there is one of it, and a list where there are several. */
function textsOf(node: PlanNode, key: string): readonly string[] {
  const value = node.extra_info[key];
  if (value === undefined || value === "") return [];
  return typeof value === "string" ? [value] : value;
}

function* sourcesOf(nodes: readonly PlanNode[]): Generator<string> {
  for (const { name, children } of nodes) {
    if (children.length === 0) yield name.trim();
    yield* sourcesOf(children);
  }
}

function shapeOf(nodes: readonly PlanNode[]): QueryPlan["shape"] {
  let limits = 0;
  let filtered = false;
  let [node] = nodes;
  while (node !== undefined) {
    const name = node.name.trim();
    // A limit below a filter: whether a row passes is not all that counts.
    if (LIMIT_NODES.has(name) && filtered) return "whole";
    if (name === "FILTER") filtered = true;
    if (LIMIT_NODES.has(name)) limits++;
    else if (!ROW_NODES.has(name)) return "whole";
    if (node.children.length === 0) break;
    if (node.children.length > 1) return "whole";
    [node] = node.children;
  }
  if (node?.name.trim() !== "SEQ_SCAN") return "whole";
  return limits === 0 ? "rows" : limits === 1 ? "limited" : "whole";
}
