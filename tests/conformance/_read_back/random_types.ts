/** Random schemas, with every type, and every transform of every type that it is defined for. */
import { Schema } from "../../../lib/iceberg/spec/schema.ts";
import type { FormatVersion } from "../../../lib/iceberg/spec/table_metadata.ts";
import { canTransform, type Transform } from "../../../lib/iceberg/spec/transform.ts";
import type { NestedField, PrimitiveType, Type } from "../../../lib/iceberg/spec/types.ts";
import { field } from "../_parquet_rows.ts";
import type { Random } from "./random.ts";

/** What tables can be made of. */
export interface Abilities {
  readonly formatVersion: FormatVersion;
  /** Without types that Spark does not know. */
  readonly forSpark: boolean;
}

const SIMPLE = ["boolean", "int", "long", "float", "double", "date"] as const;
const MORE = ["timestamp", "timestamptz", "string", "uuid", "binary"] as const;

/** Types without nested fields that such tables can have, decimals and fixed in several widths. */
export function leafTypes({ formatVersion, forSpark }: Abilities): readonly PrimitiveType[] {
  const names = [...SIMPLE, ...MORE, ...forSpark ? [] : ["time"] as const];
  const nanos = ["timestamp_ns", "timestamptz_ns"] as const;
  return [
    ...names.map((kind) => ({ kind })),
    ...formatVersion < 3 || forSpark ? [] : nanos.map((kind) => ({ kind })),
    ...[[9, 2], [18, 0], [38, 10]].map(([precision = 1, scale = 0]) => ({
      kind: "decimal" as const,
      precision,
      scale,
    })),
    ...[1, 7, 16].map((length) => ({ kind: "fixed" as const, length })),
  ];
}

/** Every transform for every type that it is defined for. */
export function partitionings(abilities: Abilities): readonly (readonly [Transform, Type])[] {
  const transforms: readonly Transform[] = [
    { kind: "identity" },
    { kind: "void" },
    { kind: "year" },
    { kind: "month" },
    { kind: "day" },
    { kind: "hour" },
    { kind: "bucket", numBuckets: 3 },
    { kind: "truncate", width: 3 },
  ];
  return transforms.flatMap((transform) =>
    leafTypes(abilities).filter((type) => canTransform(transform, type))
      .map((type) => [transform, type] as const)
  );
}

const NAMES = ["plain", "with space", "Ünï", "日本", "2nd", 'q"uote', "a-b", "snake_case", "Camel"];

/** Makes fields with fresh ids and names. */
export class FieldMaker {
  readonly #random: Random;
  readonly #leaves: readonly PrimitiveType[];
  #id = 0;

  constructor(random: Random, leaves: readonly PrimitiveType[]) {
    this.#random = random;
    this.#leaves = leaves;
  }

  /** A field of a given type, under a name that no other has. */
  of(type: Type, required = false): NestedField {
    const id = ++this.#id;
    return field(id, `${this.#random.pick(NAMES)} ${id}`, type, required);
  }

  /** A field of a random type that nests at most so deep. */
  any(depth: number): NestedField {
    return this.of(this.type(depth), this.#random.chance(0.2));
  }

  /** A random type. */
  type(depth: number): Type {
    const random = this.#random;
    const kind = depth === 0 ? "leaf" : random.pick(["leaf", "struct", "list", "map"]);
    switch (kind) {
      case "struct": {
        const fields = Array.from({ length: random.int(1, 3) }, () => this.any(depth - 1));
        return { kind, fields };
      }
      case "list":
        return {
          kind,
          elementId: ++this.#id,
          elementRequired: random.chance(0.3),
          element: this.type(depth - 1),
        };
      case "map":
        return {
          kind,
          keyId: ++this.#id,
          key: random.pick(this.#leaves.filter((leaf) => !INEXACT_KEYS.has(leaf.kind))),
          valueId: ++this.#id,
          valueRequired: random.chance(0.3),
          value: this.type(depth - 1),
        };
      default:
        return random.pick(this.#leaves);
    }
  }
}

/** As keys of maps they would be equal to others or to none, by engine. */
const INEXACT_KEYS: ReadonlySet<string> = new Set(["float", "double"]);

/** A schema with a row's number, the columns given, and some of random types up to depth 3. */
export function randomSchema(
  random: Random,
  options: { readonly abilities: Abilities; readonly columns: readonly Type[] },
): Schema {
  const maker = new FieldMaker(random, leafTypes(options.abilities));
  const fields = [
    { ...maker.of({ kind: "long" }, true), name: "id" },
    ...options.columns.map((type) => maker.of(type)),
    ...Array.from({ length: random.int(3, 6) }, (_, at) => maker.any(at % 4)),
  ];
  return new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
}
