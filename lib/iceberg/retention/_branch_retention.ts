/**
 * What branches keep of their ancestry, in time linear in snapshots and refs together: metadata may
 * hold a hundred thousand of each, and a walk per branch would be their product.
 *
 * A branch keeps its first `minimum` snapshots, and from there on for as long as they are young
 * enough. Both parts flow from children to parents: how many more snapshots are wanted (the largest
 * wish counts) and since when (the earliest). Where the second part begins is known from a
 * depth-first walk, on whose path all ancestors lie.
 */
import type { Snapshot } from "../spec/snapshot.ts";

/** One branch, with what it keeps resolved. */
export interface BranchRule {
  readonly snapshotId: bigint;
  /** Snapshots kept whatever their age; at least 1. */
  readonly minimum: number;
  /** Further ones are kept while they are not older. Milliseconds since the epoch. */
  readonly cutoffMs: number;
}

/** Snapshots by how branches see them. */
export interface BranchRetention {
  readonly kept: ReadonlySet<bigint>;
  /** Every ancestor of a branch, kept or not. */
  readonly onBranch: ReadonlySet<bigint>;
}

interface Node {
  readonly snapshot: Snapshot;
  readonly children: Node[];
  readonly rules: BranchRule[];
  parent: Node | null;
  visited: boolean;
  onBranch: boolean;
  /** How many snapshots, this one first, some branch still wants whatever their age. */
  wanted: number;
  /** Since when some branch keeps snapshots from here on. */
  sinceMs: number;
}

/** Follows every branch. Branches of snapshots that do not exist keep nothing. */
export function branchRetention(
  snapshots: readonly Snapshot[],
  rules: readonly BranchRule[],
): BranchRetention {
  const order = parentsFirst(snapshots, rules);
  const kept = new Set<bigint>();
  const onBranch = new Set<bigint>();
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at];
    if (node === undefined || !node.onBranch) continue;
    const { snapshot, parent, wanted, sinceMs } = node;
    const young = snapshot.timestampMs >= sinceMs;
    onBranch.add(snapshot.snapshotId);
    if (wanted > 0 || young) kept.add(snapshot.snapshotId);
    if (parent === null) continue;
    parent.onBranch = true;
    parent.wanted = Math.max(parent.wanted, wanted - 1);
    if (young) parent.sinceMs = Math.min(parent.sinceMs, sinceMs);
  }
  return { kept, onBranch };
}

/** All snapshots, parents before children, with the rules of branches laid where they begin. */
function parentsFirst(
  snapshots: readonly Snapshot[],
  rules: readonly BranchRule[],
): readonly Node[] {
  const nodes = linked(snapshots);
  for (const rule of rules) nodes.get(rule.snapshotId)?.rules.push(rule);
  const order: Node[] = [];
  const path: Node[] = [];
  // Roots first. The codec refuses cycles; were there one, its walk would begin anywhere.
  const roots = [...nodes.values()].filter((node) => node.parent === null);
  for (const root of [...roots, ...nodes.values()]) {
    const pending = [{ node: root, depth: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { node, depth } = next;
      if (node.visited) continue;
      node.visited = true;
      if (depth === 0) node.parent = null;
      path[depth] = node;
      order.push(node);
      for (const rule of node.rules) begin(rule, { path, depth });
      for (const child of node.children) pending.push({ node: child, depth: depth + 1 });
    }
  }
  return order;
}

function begin(rule: BranchRule, { path, depth }: { path: readonly Node[]; depth: number }): void {
  const head = path[depth];
  if (head === undefined) return;
  head.onBranch = true;
  head.wanted = Math.max(head.wanted, rule.minimum);
  const further = path[depth - rule.minimum];
  if (further !== undefined) further.sinceMs = Math.min(further.sinceMs, rule.cutoffMs);
}

function linked(snapshots: readonly Snapshot[]): ReadonlyMap<bigint, Node> {
  const nodes = new Map<bigint, Node>(snapshots.map((snapshot) => [snapshot.snapshotId, {
    snapshot,
    children: [],
    rules: [],
    parent: null,
    visited: false,
    onBranch: false,
    wanted: 0,
    sinceMs: Infinity,
  }]));
  for (const node of nodes.values()) {
    const { parentSnapshotId } = node.snapshot;
    node.parent = parentSnapshotId === null ? null : nodes.get(parentSnapshotId) ?? null;
    node.parent?.children.push(node);
  }
  return nodes;
}
