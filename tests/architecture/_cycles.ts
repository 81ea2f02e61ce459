/** Import cycles, found as strongly connected components (Tarjan). */
import type { ImportGraph } from "./_import_graph.ts";

interface Visit {
  readonly index: number;
  low: number;
  onStack: boolean;
}

/** Groups of modules that reach each other over value imports, each sorted. */
export function findCycles(graph: ImportGraph): readonly (readonly string[])[] {
  const visits = new Map<string, Visit>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): Visit => {
    const own: Visit = { index: visits.size, low: visits.size, onStack: true };
    visits.set(path, own);
    stack.push(path);
    const targets = valueTargets(graph, path);
    for (const target of targets) {
      const seen = visits.get(target);
      if (seen === undefined) own.low = Math.min(own.low, visit(target).low);
      else if (seen.onStack) own.low = Math.min(own.low, seen.index);
    }
    if (own.low === own.index) {
      const members = stack.splice(stack.indexOf(path));
      for (const member of members) {
        const visited = visits.get(member);
        if (visited !== undefined) visited.onStack = false;
      }
      if (members.length > 1 || targets.includes(path)) cycles.push(members.sort());
    }
    return own;
  };
  for (const path of graph.keys()) if (!visits.has(path)) visit(path);
  return cycles;
}

function valueTargets(graph: ImportGraph, path: string): readonly string[] {
  return (graph.get(path) ?? []).flatMap(({ kind, target }) =>
    kind === "value" && target !== null ? [target] : []
  );
}
