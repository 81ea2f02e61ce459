/** Parts of a file's schema: the leaves that are wanted and the groups around them. */
import type { SchemaElement } from "../footer/file_metadata.ts";
import { ConvertedType } from "../footer/logical_type.ts";
import type { ParquetNode, ParquetSchema } from "../footer/schema_tree.ts";
import { leavesBelow } from "../footer/schema_tree.ts";

/** A schema with fewer leaves. */
export interface PrunedSchema {
  /** As footers list them. */
  readonly elements: readonly SchemaElement[];
  /** Leaves by their place in the file, in order, with their paths in this schema. */
  readonly leaves: readonly { readonly index: number; readonly path: readonly string[] }[];
}

/**
 * Name that marks a repeated group as a list's element itself, whatever it holds. Readers tell old
 * lists of structs from today's by the number of fields, which pruning changes.
 */
const LEGACY_ELEMENT = "array";

/**
 * Keeps what lies below or above the wanted nodes; maps are kept whole. All columns where `wanted`
 * is undefined.
 */
export function pruneSchema(
  schema: ParquetSchema,
  wanted: readonly ParquetNode[] | undefined,
): PrunedSchema {
  const kept = new Set<number>();
  const roots = wanted ?? schema.columns;
  for (const node of roots) for (const leaf of leavesBelow(node)) kept.add(leaf.leafIndex ?? -1);
  for (const column of schema.columns) keepMapsWhole(column, kept);
  const elements: SchemaElement[] = [];
  const leaves: { index: number; path: readonly string[] }[] = [];
  const visit = (node: ParquetNode, parent: readonly string[]): boolean => {
    if (node.leafIndex !== null) {
      if (!kept.has(node.leafIndex)) return false;
      leaves.push({ index: node.leafIndex, path: [...parent, node.name] });
      elements.push(node.element);
      return true;
    }
    const at = elements.length;
    elements.push(node.element);
    const numChildren = countKept(node, kept);
    const shrinks = numChildren === 1 && node.children.length > 1;
    const name = shrinks && node.repetition === "repeated" ? LEGACY_ELEMENT : node.name;
    for (const child of node.children) visit(child, [...parent, name]);
    if (numChildren === 0) elements.length = at;
    else elements[at] = { ...node.element, name, numChildren };
    return numChildren > 0;
  };
  const columns = schema.columns.filter((column) => visit(column, []));
  return { elements: [rootElement(schema, columns.length), ...elements], leaves };
}

function rootElement({ rootName }: ParquetSchema, numChildren: number): SchemaElement {
  return {
    type: null,
    typeLength: null,
    repetition: null,
    name: rootName,
    numChildren,
    convertedType: null,
    scale: null,
    precision: null,
    fieldId: null,
    logicalType: null,
  };
}

function countKept(node: ParquetNode, kept: ReadonlySet<number>): number {
  return node.children.filter((child) => isKept(child, kept)).length;
}

function isKept(node: ParquetNode, kept: ReadonlySet<number>): boolean {
  for (const { leafIndex } of leavesBelow(node)) if (kept.has(leafIndex ?? -1)) return true;
  return false;
}

function keepMapsWhole(node: ParquetNode, kept: Set<number>): void {
  const isMap = node.logicalType?.kind === "map" || isMapKeyValue(node);
  if (isMap && isKept(node, kept)) {
    for (const leaf of leavesBelow(node)) kept.add(leaf.leafIndex ?? -1);
  } else {
    for (const child of node.children) keepMapsWhole(child, kept);
  }
}

function isMapKeyValue({ element }: ParquetNode): boolean {
  return element.convertedType === ConvertedType.mapKeyValue;
}
