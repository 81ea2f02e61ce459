/** Boolean trees over any kind of leaf, shared by bound and unbound expressions. */

/** Always true or always false. */
export interface Constant {
  readonly kind: "constant";
  readonly value: boolean;
}

/** A leaf, a constant, or a conjunction or disjunction of trees. */
export type Tree<Leaf> =
  | Constant
  | Leaf
  | { readonly kind: "and"; readonly operands: readonly Tree<Leaf>[] }
  | { readonly kind: "or"; readonly operands: readonly Tree<Leaf>[] };

/** Matches every row. */
export const alwaysTrue: Constant = { kind: "constant", value: true };
/** Matches no row. */
export const alwaysFalse: Constant = { kind: "constant", value: false };

/** Joins operands: nested joins of the same kind are flattened, constants folded away. */
export function join<Leaf extends { readonly kind: string }>(
  kind: "and" | "or",
  operands: readonly Tree<Leaf>[],
): Tree<Leaf> {
  const kept: Tree<Leaf>[] = [];
  for (const operand of operands) {
    if (isConstant(operand)) {
      // False decides a conjunction, true a disjunction; the other constant changes nothing.
      if (operand.value === (kind === "or")) return operand;
    } else if (isJoin(operand, kind)) kept.push(...operand.operands);
    else kept.push(operand);
  }
  const [only] = kept;
  if (only === undefined) return kind === "or" ? alwaysFalse : alwaysTrue;
  return kept.length === 1 ? only : { kind, operands: kept };
}

function isConstant<Leaf extends { readonly kind: string }>(tree: Tree<Leaf>): tree is Constant {
  return tree.kind === "constant";
}

function isJoin<Leaf extends { readonly kind: string }>(
  tree: Tree<Leaf>,
  kind: "and" | "or",
): tree is { readonly kind: "and" | "or"; readonly operands: readonly Tree<Leaf>[] } {
  return tree.kind === kind;
}
