/** Changes of a schema, and what they have to fit. */
import { AppError, type ErrorKind } from "../../errors.ts";
import type { DefaultText } from "../ddl/column_default.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { Type } from "../spec/types.ts";

/** Where a column goes among the fields of its struct. */
export type ColumnPosition =
  | { readonly kind: "first" }
  /** `column`: a field of the same struct, by its own name or in full. */
  | { readonly kind: "after" | "before"; readonly column: string };

/** A new column, at the end of its struct unless a position is given. */
export interface AddColumn {
  readonly kind: "add";
  /** With dots for a field of a struct, of a list's elements, or of a map's values. */
  readonly name: string;
  /** Field ids in it are assigned anew. */
  readonly type: Type;
  readonly required: boolean;
  readonly doc: string | null;
  /** v3: the value of rows that exist, and of those whose writers leave the column out. */
  readonly defaultValue?: DefaultText | null | undefined;
  readonly position?: ColumnPosition | undefined;
}

/** A new name for a column; its id stays. */
export interface RenameColumn {
  readonly kind: "rename";
  readonly name: string;
  /** The field's own name, or the full one in the same struct. */
  readonly newName: string;
}

/** A column taken out of the schema; data files keep it. */
export interface DropColumn {
  readonly kind: "drop";
  readonly name: string;
}

/** What is absent stays as it is. */
export interface UpdateColumn {
  readonly kind: "update";
  readonly name: string;
  readonly type?: Type | undefined;
  readonly required?: boolean | undefined;
  /** Null takes the comment away. */
  readonly doc?: string | null | undefined;
  /** v3: for rows written from now on; null takes it away. */
  readonly writeDefault?: DefaultText | null | undefined;
  readonly position?: ColumnPosition | undefined;
}

/** One step of schema evolution (spec "Schema Evolution"). Names are read as `findColumnByText` does. */
export type SchemaChange = AddColumn | RenameColumn | DropColumn | UpdateColumn;

/** What a table says that its schema has to fit. */
export type EvolvingTable = Pick<
  TableMetadata,
  | "formatVersion"
  | "lastColumnId"
  | "partitionSpecs"
  | "defaultSpecId"
  | "sortOrders"
  | "defaultSortOrderId"
>;

/** Optional parts of {@linkcode evolutionError}. */
export interface EvolutionErrorOptions {
  /** `invalid` unless given. */
  readonly kind?: ErrorKind;
  readonly code: string;
  /** The part of the change that is wrong: `name`, `new_name`, `type`, `nullable`, `after`. */
  readonly part: string;
}

/** An error about one part of a change, which the issue names. */
export function evolutionError(message: string, options: EvolutionErrorOptions): AppError {
  const { kind = "invalid", code, part } = options;
  return new AppError(kind, code, message, { issues: [{ path: part, message }] });
}
