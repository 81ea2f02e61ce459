/** The schema of a Parquet file as a tree, built from the flat list of its footer. */
import type { SchemaElement } from "./file_metadata.ts";
import { MAX_SCHEMA_DEPTH } from "./limits.ts";
import { fromConverted, type LogicalType } from "./logical_type.ts";
import {
  PHYSICAL_TYPE_NAMES,
  PhysicalType,
  type PhysicalTypeName,
  type Repetition,
  REPETITIONS,
} from "./physical_type.ts";

/** A node of a Parquet schema: a group of nodes, or a leaf whose values fill column chunks. */
export interface ParquetNode {
  readonly name: string;
  /** Iceberg's id of the field; null where the writer recorded none. */
  readonly fieldId: number | null;
  readonly repetition: Repetition;
  /** Null for groups. */
  readonly physicalType: PhysicalTypeName | null;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly typeLength: number | null;
  /** What the values mean; annotations of old writers are translated. */
  readonly logicalType: LogicalType | null;
  /** Empty for leaves. */
  readonly children: readonly ParquetNode[];
  /** Place among the leaves, which is that of its chunk in every row group; null for groups. */
  readonly leafIndex: number | null;
  /** Levels at which a value of this node is there. */
  readonly maxDefinitionLevel: number;
  readonly maxRepetitionLevel: number;
  /** The footer's own entry. */
  readonly element: SchemaElement;
}

/** A leaf with its place. */
export interface ParquetLeaf {
  readonly node: ParquetNode;
  /** Names from the top-level column down. */
  readonly path: readonly string[];
}

/** A schema: top-level columns, and all leaves in the order of column chunks. */
export interface ParquetSchema {
  readonly columns: readonly ParquetNode[];
  readonly leaves: readonly ParquetLeaf[];
  /** Name of the root, which means nothing. */
  readonly rootName: string;
}

/** Builds the tree; `fail` throws for a list that is no tree. */
export function buildSchemaTree(
  elements: readonly SchemaElement[],
  fail: (detail: string) => never,
): ParquetSchema {
  return new TreeBuilder(elements, fail).build();
}

class TreeBuilder {
  readonly #elements: readonly SchemaElement[];
  readonly #fail: (detail: string) => never;
  readonly #leaves: ParquetLeaf[] = [];
  #next = 0;

  constructor(elements: readonly SchemaElement[], fail: (detail: string) => never) {
    this.#elements = elements;
    this.#fail = fail;
  }

  build(): ParquetSchema {
    const root = this.#take();
    const columns = this.#children(root, { path: [], definition: 0, repetition: 0 });
    if (this.#next !== this.#elements.length) {
      this.#fail("its schema has elements that belong to no group");
    }
    return { columns, leaves: this.#leaves, rootName: root.name };
  }

  #take(): SchemaElement {
    const element = this.#elements[this.#next++];
    if (element === undefined) return this.#fail("its schema ends in the middle of a group");
    return element;
  }

  #children(group: SchemaElement, place: Place): readonly ParquetNode[] {
    if (place.path.length > MAX_SCHEMA_DEPTH) {
      this.#fail(`its schema nests deeper than ${MAX_SCHEMA_DEPTH} levels`);
    }
    const count = group.numChildren ?? 0;
    if (count < 0 || count > this.#elements.length - this.#next) {
      this.#fail("its schema ends in the middle of a group");
    }
    return Array.from({ length: count }, () => this.#node(place));
  }

  #node(parent: Place): ParquetNode {
    const element = this.#take();
    const repetition = REPETITIONS[element.repetition ?? 0];
    if (repetition === undefined) return this.#fail("its schema holds an unknown repetition");
    const place = {
      path: [...parent.path, element.name],
      definition: parent.definition + (repetition === "required" ? 0 : 1),
      repetition: parent.repetition + (repetition === "repeated" ? 1 : 0),
    };
    const common = {
      name: element.name,
      fieldId: element.fieldId,
      repetition,
      logicalType: element.logicalType ?? fromConverted(element.convertedType, element),
      maxDefinitionLevel: place.definition,
      maxRepetitionLevel: place.repetition,
      element,
    };
    if (element.type === null) {
      const children = this.#children(element, place);
      return { ...common, children, physicalType: null, typeLength: null, leafIndex: null };
    }
    const node = { ...common, ...this.#leaf(element), leafIndex: this.#leaves.length };
    this.#leaves.push({ node, path: place.path });
    return node;
  }

  #leaf(element: SchemaElement): Pick<ParquetNode, "physicalType" | "typeLength" | "children"> {
    const physicalType = PHYSICAL_TYPE_NAMES[element.type ?? -1];
    if (physicalType === undefined) return this.#fail("its schema holds an unknown type");
    if ((element.numChildren ?? 0) !== 0) this.#fail("a leaf of its schema has children");
    const isFixed = element.type === PhysicalType.fixedLenByteArray;
    if (isFixed && (element.typeLength === null || element.typeLength < 0)) {
      this.#fail("its schema holds a type of fixed length without a length");
    }
    return { physicalType, typeLength: isFixed ? element.typeLength : null, children: [] };
  }
}

interface Place {
  readonly path: readonly string[];
  readonly definition: number;
  readonly repetition: number;
}

/** The leaves below a node, itself included. */
export function* leavesBelow(node: ParquetNode): Generator<ParquetNode> {
  if (node.leafIndex !== null) yield node;
  for (const child of node.children) yield* leavesBelow(child);
}
