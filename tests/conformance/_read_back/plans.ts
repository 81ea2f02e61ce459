/** What random tables are like, all of them decided by one seed. */
import { findAlike } from "../../../lib/iceberg/evolve/column_rules.ts";
import { columnPath, formatColumnName } from "../../../lib/iceberg/ddl/column_name.ts";
import { formatSqlType } from "../../../lib/iceberg/ddl/format_sql_type.ts";
import type { SpecChange } from "../../../lib/iceberg/evolve/update_spec.ts";
import type { PartitionField, PartitionSpec } from "../../../lib/iceberg/spec/partition_spec.ts";
import type { Schema } from "../../../lib/iceberg/spec/schema.ts";
import type { SortOrder } from "../../../lib/iceberg/spec/sort_order.ts";
import {
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  type TableMetadata,
} from "../../../lib/iceberg/spec/table_metadata.ts";
import { canTransform, type Transform } from "../../../lib/iceberg/spec/transform.ts";
import {
  type IcebergValue,
  isPrimitive,
  type NestedField,
  type Type,
} from "../../../lib/iceberg/spec/types.ts";
import type { ColumnChange } from "../../../lib/tables/contract/change_jobs.ts";
import { definitionOf } from "../../support/writable_tables.ts";
import type { ModelRow } from "./model_table.ts";
import type { Random } from "./random.ts";
import {
  type Abilities,
  FieldMaker,
  leafTypes,
  partitionings,
  randomSchema,
} from "./random_types.ts";
import { randomValue } from "./random_values.ts";

/** A partitioning that a table is to have. */
type Partitioning = ReturnType<typeof partitionings>[number];

/** Partitionings that one table has, over all of its specs. */
const PER_TABLE = 4;

/** Shares out every partitioning among tables, so that together they have them all. */
export function sharePartitionings(
  random: Random,
  tables: readonly Abilities[],
): readonly (readonly Partitioning[])[] {
  const all = partitionings({ formatVersion: 3, forSpark: false });
  const left = random.some(all, all.length);
  const fits = (abilities: Abilities) => {
    const kinds = new Set<string>(leafTypes(abilities).map((type) => type.kind));
    return ([transform, type]: Partitioning) =>
      kinds.has(type.kind) &&
      // Java writes and reads such partition values with a length before them, against Avro.
      !(abilities.forSpark && transform.kind === "identity" && type.kind === "fixed");
  };
  return tables.map((abilities) => {
    const fit = fits(abilities);
    const taken = left.filter(fit).slice(0, PER_TABLE);
    for (const one of taken) left.splice(left.indexOf(one), 1);
    const more = random.some(all.filter(fit), PER_TABLE - taken.length);
    return [...taken, ...more];
  });
}

/** Properties of which each table has one value. */
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  "write.parquet.compression-codec": ["zstd", "snappy", "gzip", "uncompressed"],
  "write.parquet.page-version": ["v1", "v2"],
  "write.parquet.page-row-limit": ["20000", "5"],
  "write.metadata.metrics.default": ["truncate(16)", "full", "counts", "none", "truncate(1)"],
  "write.delete.granularity": ["file", "partition"],
  "write.object-storage.enabled": ["false", "true"],
  "write.metadata.compression-codec": ["none", "gzip"],
};

/** A table of a random schema, with a column for each partitioning; the first two are its spec. */
export function randomDefinition(
  random: Random,
  name: string,
  options: { readonly abilities: Abilities; readonly partitionings: readonly Partitioning[] },
) {
  const { abilities } = options;
  const columns = options.partitionings.map(([, type]) => type);
  const schema = randomSchema(random, { abilities, columns });
  const spec: PartitionSpec = {
    specId: 0,
    fields: options.partitionings.slice(0, 2).map(([transform], at) =>
      partitionField(schema, at, transform)
    ),
  };
  const properties = Object.fromEntries(
    Object.entries(PROPERTIES).map(([key, values]) => [key, random.pick(values)]),
  );
  const { formatVersion } = abilities;
  const sortOrder = randomSortOrder(random, schema);
  return definitionOf(name, { schema, spec, sortOrder, properties, formatVersion });
}

function partitionField(schema: Schema, at: number, transform: Transform): PartitionField {
  const source = schema.fields[at + 1];
  if (source === undefined) throw new TypeError("Cannot partition by a column that is not there");
  return { sourceIds: [source.id], fieldId: 1000 + at, name: `part ${at}`, transform };
}

function randomSortOrder(random: Random, schema: Schema): SortOrder {
  const columns = schema.fields.filter(({ type }) => isPrimitive(type) && type.kind !== "unknown");
  const fields = random.some(columns, 2).map(({ id, type }) => {
    const transforms: readonly Transform[] = [
      { kind: "identity" },
      { kind: "bucket", numBuckets: 2 },
      { kind: "truncate", width: 2 },
      { kind: "day" },
    ];
    return {
      sourceIds: [id],
      transform: random.pick(transforms.filter((one) => canTransform(one, type))),
      direction: random.pick(["asc", "desc"] as const),
      nullOrder: random.pick(["nulls-first", "nulls-last"] as const),
    };
  });
  return { orderId: 1, fields };
}

/**
 * Rows of random values; the first column is left to who numbers them. Columns that partition have
 * few values each, or every row would get a file of its own.
 */
export function randomRows(
  random: Random,
  count: number,
  table: { readonly schema: Schema; readonly metadata: TableMetadata },
): ModelRow[] {
  const { schema, metadata } = table;
  const splitting = new Set(defaultSpec(metadata).fields.flatMap(({ sourceIds }) => sourceIds));
  const few = new Map(
    schema.fields.filter(({ id }) => splitting.has(id)).map((field) => [
      field.id,
      [null, randomValue(random, field), randomValue(random, field)] as IcebergValue[],
    ]),
  );
  return Array.from({ length: count }, () =>
    schema.fields.map((field) => {
      const values = few.get(field.id)?.filter((value) => value !== null || !field.required);
      return values === undefined ? randomValue(random, field) : random.pick(values);
    }));
}

/** Another spec: a field less, and the partitionings given more. */
export function specChanges(
  random: Random,
  table: { readonly schema: Schema; readonly metadata: TableMetadata },
  more: readonly (readonly [sourceId: number, Transform])[],
): SpecChange[] {
  const { fields } = defaultSpec(table.metadata);
  const live = fields.filter(({ transform }) => transform.kind !== "void");
  const gone = live.length > 0 ? [random.pick(live)] : [];
  return [
    ...gone.map(({ name }): SpecChange => ({ kind: "remove", name })),
    ...more.map(([sourceId, transform], at): SpecChange => ({
      kind: "add",
      sourceId,
      transform,
      name: `later ${at}`,
    })),
  ];
}

/** Changes of the schema, one of each kind where there is something to change. */
export function randomChange(
  random: Random,
  kind: ChangeKind,
  table: { readonly metadata: TableMetadata; readonly abilities: Abilities },
): ColumnChange | null {
  const { metadata } = table;
  const schema = currentSchema(metadata);
  const used = usedFields(metadata);
  const free = [...schema.fields.slice(1)];
  const nested = free.flatMap(({ type }) => type.kind === "struct" ? type.fields : []);
  const nameOf = (field: NestedField) => formatColumnName(columnPath(schema, field.id) ?? []);
  switch (kind) {
    case "add":
      return addition(random, { ...table, schema });
    case "rename": {
      const field = random.pick([...free, ...nested]);
      return { kind, name: nameOf(field), newName: `renamed ${field.id}` };
    }
    case "drop": {
      const droppable = free.filter(({ id }) => !used.has(id));
      return droppable.length === 0 ? null : { kind, name: nameOf(random.pick(droppable)) };
    }
    case "promote": {
      const found = [...free, ...nested].flatMap((field) => {
        const type = promoted(field.type);
        return type === null ? [] : [{ field, type }];
      });
      if (found.length === 0) return null;
      const { field, type } = random.pick(found);
      return { kind: "update", name: nameOf(field), type: formatSqlType(type) };
    }
    case "move": {
      const [field, after] = random.some(free, 2);
      if (field === undefined || after === undefined) return null;
      const position = { kind: "after" as const, column: nameOf(after) };
      return { kind: "update", name: nameOf(field), position };
    }
    case "loosen": {
      const field = [...free, ...nested].find(({ required }) => required);
      return field === undefined ? null : { kind: "update", name: nameOf(field), required: false };
    }
  }
}

/** Kinds of changes of a schema. */
export const CHANGE_KINDS = ["add", "rename", "drop", "promote", "move", "loosen"] as const;
/** See {@linkcode CHANGE_KINDS}. */
export type ChangeKind = typeof CHANGE_KINDS[number];

function addition(
  random: Random,
  { metadata, abilities, schema }: {
    readonly metadata: TableMetadata;
    readonly abilities: Abilities;
    readonly schema: Schema;
  },
): ColumnChange {
  const type = new FieldMaker(random, leafTypes(abilities)).type(random.int(0, 1));
  const structs = schema.fields.filter((field) => field.type.kind === "struct");
  const name = `added ${metadata.lastColumnId + 1}`;
  const parent = structs.length > 0 && random.chance(0.4) ? random.pick(structs) : null;
  if (findAlike(schema.fields, name) !== undefined) throw new TypeError("The name is taken");
  const hasDefault = abilities.formatVersion === 3 && random.chance(0.6);
  const example = DEFAULTS[type.kind] ?? null;
  return {
    kind: "add",
    name: formatColumnName(parent === null ? [name] : [parent.name, name]),
    type: formatSqlType(type),
    required: hasDefault && example !== null && random.chance(0.3),
    doc: null,
    defaultValue: hasDefault ? example : null,
  };
}

const DEFAULTS: Readonly<Partial<Record<Type["kind"], string | number | boolean>>> = {
  boolean: true,
  int: -7,
  long: "9007199254740993",
  float: 1.5,
  double: -0.25,
  string: "a default \u{1f980}",
  date: "1969-12-31",
  timestamp: "1969-12-31T23:59:59.999999",
  timestamptz: "2024-02-29T12:00:00+00:00",
  uuid: "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  binary: "00ff",
  time: "23:59:59.999999",
};

/** Columns that the table's layout depends on. */
function usedFields(metadata: TableMetadata): ReadonlySet<number> {
  return new Set([
    ...metadata.partitionSpecs.flatMap(({ fields }) => fields.flatMap((one) => one.sourceIds)),
    ...defaultSortOrder(metadata).fields.flatMap((one) => one.sourceIds),
  ]);
}

function promoted(type: Type): Type | null {
  switch (type.kind) {
    case "int":
      return { kind: "long" };
    case "float":
      return { kind: "double" };
    case "decimal":
      return type.precision < 38 ? { ...type, precision: 38 } : null;
    default:
      return null;
  }
}
