import assert from "node:assert/strict";
import fc from "fast-check";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import {
  DELETE_FILE_PATH_ID,
  type DeleteFile,
  DeleteIndex,
  referencedDataFile,
} from "../../../../lib/iceberg/scan/delete_index.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { compareValues, encodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { file, SCHEMA, SPECS, table } from "./_files.ts";

const STRING = { kind: "string" } as const;
const DOUBLE = { kind: "double" } as const;
const LONG = { kind: "long" } as const;

function position(path: string, parts: Partial<DataFile> = {}): DataFile {
  return file(path, { content: "position_deletes", ...parts });
}

function equality(path: string, parts: Partial<DataFile> = {}): DataFile {
  return file(path, { content: "equality_deletes", equalityIds: [1], ...parts });
}

function vector(path: string, referenced: string | null, parts: Partial<DataFile> = {}): DataFile {
  return position(path, { fileFormat: "puffin", referencedDataFile: referenced, ...parts });
}

function pathBounds(lower: string, upper = lower): Partial<DataFile> {
  return {
    lowerBounds: new Map([[DELETE_FILE_PATH_ID, encodeValue(STRING, lower)]]),
    upperBounds: new Map([[DELETE_FILE_PATH_ID, encodeValue(STRING, upper)]]),
  };
}

/** Bounds and counts of `id`, from true values. */
function ids(...values: readonly bigint[]): Partial<DataFile> {
  const encode = (value: bigint | undefined) => encodeValue({ kind: "long" }, value ?? 0n);
  const sorted = values.toSorted((a, b) => Number(a - b));
  return {
    lowerBounds: new Map([[1, encode(sorted[0])]]),
    upperBounds: new Map([[1, encode(sorted.at(-1))]]),
  };
}

function index(...deletes: readonly (readonly [DataFile, bigint])[]): DeleteIndex {
  return new DeleteIndex(
    table(),
    deletes.map(([dataFile, sequenceNumber]): DeleteFile => ({ dataFile, sequenceNumber })),
  );
}

function applied(deletes: DeleteIndex, data: DataFile, sequenceNumber: bigint): string {
  return deletes.forFile(data, sequenceNumber).map((found) => found.dataFile.filePath).join(" ");
}

Deno.test("appliesTo() says whether forFile() finds any, where bounds rule out none", () => {
  const someDelete = fc.record({
    kind: fc.constantFrom("equality", "position", "path", "vector"),
    at: fc.nat(4),
    sequenceNumber: fc.nat(5).map(BigInt),
  });
  fc.assert(
    fc.property(fc.array(someDelete, { maxLength: 12 }), (deletes) => {
      const made = new Map(deletes.map(({ kind, at, sequenceNumber }, i) => {
        const file = kind === "equality"
          ? equality(`d${i}`, { equalityIds: [at] })
          : kind === "position"
          ? position(`d${i}`)
          : kind === "path"
          ? position(`d${i}`, { referencedDataFile: `f${at}` })
          : vector(`d${i}`, `f${at}`);
        // Two vectors of one file are refused, and so is one older than its file.
        return kind === "vector"
          ? [`v${at}`, [file, 9n] as const]
          : [`d${i}`, [file, sequenceNumber] as const];
      }));
      const found = index(...made.values());
      for (let at = 0; at < 5; at++) {
        for (let number = 0n; number < 7n; number++) {
          const data = file(`f${at}`);
          assert.equal(
            found.appliesTo(data, number),
            found.forFile(data, number).length > 0,
            `f${at} at ${number}`,
          );
        }
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

Deno.test("an empty index finds nothing", () => {
  assert.deepEqual(index().forFile(file("a"), 1n), []);
  assert.equal(index().hasEqualityDeletes, false);
});

Deno.test("position deletes apply to the same commit and older, equality deletes to older only", () => {
  const deletes = index([position("p"), 5n], [equality("e"), 5n]);
  assert.equal(applied(deletes, file("a"), 4n), "e p");
  assert.equal(applied(deletes, file("a"), 5n), "p");
  assert.equal(applied(deletes, file("a"), 6n), "");
});

Deno.test("position deletes apply within their partition and spec", () => {
  const deletes = index(
    [position("x", { specId: 1, partition: ["x"] }), 5n],
    [position("null", { specId: 1, partition: [null] }), 5n],
    [position("none", { specId: 0 }), 5n],
    [position("void", { specId: 2, partition: [null] }), 5n],
  );
  assert.equal(applied(deletes, file("a", { specId: 1, partition: ["x"] }), 1n), "x");
  assert.equal(applied(deletes, file("a", { specId: 1, partition: [null] }), 1n), "null");
  assert.equal(applied(deletes, file("a", { specId: 1, partition: ["null"] }), 1n), "");
  assert.equal(applied(deletes, file("a"), 1n), "none");
  assert.equal(applied(deletes, file("a", { specId: 2, partition: [null] }), 1n), "void");
});

Deno.test("equality deletes of an unpartitioned spec are global, others keep to their partition", () => {
  const deletes = index(
    [equality("global", { specId: 0 }), 5n],
    [equality("void", { specId: 2, partition: [null] }), 4n],
    [equality("x", { specId: 1, partition: ["x"] }), 3n],
  );
  assert.equal(applied(deletes, file("a", { specId: 1, partition: ["x"] }), 1n), "x void global");
  assert.equal(applied(deletes, file("a", { specId: 1, partition: ["y"] }), 1n), "void global");
  assert.equal(applied(deletes, file("a", { specId: 3, partition: [2] }), 1n), "void global");
});

Deno.test("position deletes for one path apply to that path alone", () => {
  const deletes = index(
    [position("named", { referencedDataFile: "a" }), 5n],
    [position("bounded", pathBounds("a")), 5n],
    [position("several", pathBounds("a", "b")), 5n],
  );
  assert.equal(applied(deletes, file("a"), 5n), "several named bounded");
  assert.equal(applied(deletes, file("b"), 5n), "several");
  assert.equal(applied(deletes, file("a"), 6n), "");
});

Deno.test("referencedDataFile() is null for equality deletes and for missing bounds", () => {
  assert.equal(referencedDataFile(equality("e", pathBounds("a"))), null);
  assert.equal(referencedDataFile(position("p")), null);
  assert.equal(referencedDataFile(position("p", { ...pathBounds("a"), upperBounds: null })), null);
  assert.equal(referencedDataFile(position("p", pathBounds("a"))), "a");
});

Deno.test("a deletion vector replaces all position deletes of its file", () => {
  const deletes = index(
    [position("partition"), 5n],
    [position("path", { referencedDataFile: "a" }), 5n],
    [vector("dv", "a"), 6n],
    [equality("e"), 7n],
  );
  assert.equal(applied(deletes, file("a"), 1n), "e dv");
  assert.equal(applied(deletes, file("b"), 1n), "e partition");
});

Deno.test("deletes that contradict the specification are refused", () => {
  assert.throws(() => index([vector("dv", null), 5n]), { code: "deletion_vector_malformed" });
  assert.throws(() => index([vector("1", "a"), 5n], [vector("2", "a"), 6n]), {
    code: "deletion_vector_duplicate",
  });
  assert.throws(() => index([vector("dv", "a"), 5n]).forFile(file("a"), 6n), {
    code: "deletion_vector_too_old",
  });
  const elsewhere = { specId: 1, partition: ["x"] };
  assert.throws(() => index([vector("dv", "a", elsewhere), 5n]).forFile(file("a"), 1n), {
    code: "delete_partition_mismatch",
  });
  const named = position("p", { referencedDataFile: "a", ...elsewhere });
  assert.throws(() => index([named, 5n]).forFile(file("a"), 1n), {
    code: "delete_partition_mismatch",
  });
  assert.throws(() => index([file("data"), 5n]), { code: "delete_manifest_malformed" });
});

Deno.test("equality deletes out of the data's range are left out, unless nulls meet", () => {
  const deletes = index([equality("low", ids(1n, 4n)), 5n], [equality("high", ids(7n, 9n)), 5n]);
  assert.equal(applied(deletes, file("a", ids(4n, 5n)), 1n), "low");
  assert.equal(applied(deletes, file("a", ids(5n, 6n)), 1n), "");
  assert.equal(applied(deletes, file("a"), 1n), "low high");
  // `name` is optional: without null counts both sides may hold a null.
  const name = (value: string, nulls: number | null): Partial<DataFile> => ({
    lowerBounds: new Map([[2, encodeValue(STRING, value)]]),
    upperBounds: new Map([[2, encodeValue(STRING, value)]]),
    valueCounts: new Map([[2, 10]]),
    nullValueCounts: nulls === null ? null : new Map([[2, nulls]]),
  });
  const byName = (nulls: number | null) =>
    index([equality("e", { equalityIds: [2], ...name("b", nulls) }), 5n]);
  assert.equal(applied(byName(0), file("a", name("a", 0)), 1n), "");
  assert.equal(applied(byName(1), file("a", name("a", 0)), 1n), "");
  assert.equal(applied(byName(1), file("a", name("a", 3)), 1n), "e");
  assert.equal(applied(byName(null), file("a", name("a", null)), 1n), "e");
  assert.equal(applied(byName(10), file("a", name("b", 0)), 1n), "");
});

Deno.test("equality deletes on a dropped column are compared by its old schema", () => {
  const old = new Schema({ ...SCHEMA, schemaId: 0, fields: SCHEMA.fields });
  const current = new Schema({
    schemaId: 1,
    identifierFieldIds: [],
    fields: SCHEMA.fields.slice(1),
  });
  const metadata = { schemas: [old, current], currentSchemaId: 1, partitionSpecs: SPECS };
  const dropped = { dataFile: equality("e", ids(1n)), sequenceNumber: 5n };
  const deletes = new DeleteIndex(metadata, [dropped]);
  assert.deepEqual(deletes.forFile(file("a", ids(2n)), 1n), []);
  assert.deepEqual(deletes.forFile(file("a", ids(1n)), 1n), [dropped]);
  const unknown = { dataFile: equality("u", { equalityIds: [99] }), sequenceNumber: 5n };
  assert.deepEqual(new DeleteIndex(metadata, [unknown]).forFile(file("a"), 1n), [unknown]);
});

Deno.test("among many equality deletes, those of nulls and NaNs meet their like", () => {
  const text = (value: string) => encodeValue(STRING, value);
  const byName = (value: string, nulls: number): Partial<DataFile> => ({
    equalityIds: [2],
    lowerBounds: new Map([[2, text(value)]]),
    upperBounds: new Map([[2, text(value)]]),
    valueCounts: new Map([[2, 10]]),
    nullValueCounts: new Map([[2, nulls]]),
  });
  const names = Array.from(
    { length: 100 },
    (_, i) => [equality(`e${i}`, byName(`n${i}`, i === 50 ? 1 : 0)), 5n] as const,
  );
  assert.equal(applied(index(...names), file("a", byName("x", 0)), 1n), "");
  assert.equal(applied(index(...names), file("a", byName("x", 1)), 1n), "e50");
  assert.equal(applied(index(...names), file("a", byName("n7", 1)), 1n), "e7 e50");
  const byNumber = (value: number, nans: number): Partial<DataFile> => ({
    equalityIds: [3],
    lowerBounds: new Map([[3, encodeValue(DOUBLE, value)]]),
    upperBounds: new Map([[3, encodeValue(DOUBLE, value)]]),
    valueCounts: new Map([[3, 10]]),
    nullValueCounts: new Map([[3, 0]]),
    nanValueCounts: new Map([[3, nans]]),
  });
  const numbers = Array.from(
    { length: 100 },
    (_, i) => [equality(`e${i}`, byNumber(i, i === 50 ? 1 : 0)), 5n] as const,
  );
  assert.equal(applied(index(...numbers), file("a", byNumber(7, 0)), 1n), "e7");
  assert.equal(applied(index(...numbers), file("a", byNumber(7, 1)), 1n), "e7 e50");
});

Deno.test("many position deletes of a partition are shared between its files", () => {
  const many = Array.from({ length: 100 }, (_, i) => [position(`p${i}`), BigInt(i)] as const);
  const deletes = index(...many);
  assert.equal(deletes.forFile(file("a"), 40n).length, 60);
  assert.equal(deletes.forFile(file("a"), 40n), deletes.forFile(file("b"), 40n));
});

interface Keys {
  readonly id: bigint;
  readonly d: number | null;
}

/** Rows of a file as metrics: `id` and `d`, each with or without counts. */
function metricsOf(rows: readonly Keys[], hasCounts: boolean): Partial<DataFile> {
  const columns: readonly (readonly [number, PrimitiveType, readonly IcebergValue[]])[] = [
    [1, LONG, rows.map((row) => row.id)],
    [3, DOUBLE, rows.map((row) => row.d)],
  ];
  const map = <T>(of: (type: PrimitiveType, values: readonly IcebergValue[]) => T | null) =>
    new Map(columns.flatMap(([id, type, values]) => {
      const value = of(type, values);
      return value === null ? [] : [[id, value] as const];
    }));
  const bound = (at: number) =>
    map((type, values) => {
      const numbers = values.filter((v) => v !== null && !Number.isNaN(v))
        .sort((a, b) => compareValues(type, a, b));
      const value = numbers.at(at);
      return value === undefined ? null : encodeValue(type, value);
    });
  return {
    recordCount: rows.length,
    lowerBounds: bound(0),
    upperBounds: bound(-1),
    ...(hasCounts
      ? {
        valueCounts: map((_, values) => values.length),
        nullValueCounts: map((_, values) => values.filter((v) => v === null).length),
        nanValueCounts: map((_, values) => values.filter((v) => Number.isNaN(v)).length),
      }
      : {}),
  };
}

const KEYS = fc.record({
  id: fc.bigInt({ min: 0n, max: 30n }),
  d: fc.constantFrom(null, NaN, -1, -0, 0, 1),
});

const PARTITIONS = fc.constantFrom<Pick<DataFile, "specId" | "partition">>(
  { specId: 0, partition: [] },
  { specId: 1, partition: ["x"] },
  { specId: 1, partition: [null] },
  { specId: 3, partition: [1] },
);

const RANDOM_FILE = fc.record({
  rows: fc.array(KEYS, { minLength: 1, maxLength: 3 }),
  counts: fc.boolean(),
  place: PARTITIONS,
  sequenceNumber: fc.bigInt({ min: 0n, max: 6n }),
});

const RANDOM_DELETE = fc.record({
  file: RANDOM_FILE,
  equalityIds: fc.constantFrom([1], [1, 3], [3], null),
});

Deno.test("the index agrees with the scope rules taken one by one", () => {
  const property = fc.property(
    fc.array(RANDOM_FILE, { minLength: 1, maxLength: 4 }),
    // Above and below the size at which ranges are indexed.
    fc.array(RANDOM_DELETE, { maxLength: 120, size: "max" }),
    (dataFiles, deleteFiles) => {
      const deletes = deleteFiles.map(({ file: of, equalityIds }, i): DeleteFile => ({
        sequenceNumber: of.sequenceNumber,
        dataFile: file(`d${i}`, {
          ...metricsOf(of.rows, of.counts),
          ...of.place,
          content: equalityIds === null ? "position_deletes" : "equality_deletes",
          equalityIds,
        }),
      }));
      const built = new DeleteIndex(table(), deletes);
      for (const data of dataFiles) {
        const of = file("data", { ...metricsOf(data.rows, data.counts), ...data.place });
        const found = new Set(built.forFile(of, data.sequenceNumber));
        deletes.forEach((candidate, i) => {
          const random = deleteFiles[i];
          assert.ok(random);
          const samePartition = random.file.place === data.place;
          const isEquality = random.equalityIds !== null;
          const inScope = isEquality
            ? data.sequenceNumber < candidate.sequenceNumber &&
              (samePartition || candidate.dataFile.specId === 0)
            : data.sequenceNumber <= candidate.sequenceNumber && samePartition;
          const deletesARow = data.rows.some((row) =>
            random.file.rows.some((key) => sharesKey(row, key, random.equalityIds ?? []))
          );
          const has = found.has(candidate);
          if (has) assert.ok(inScope, "applied out of scope");
          else if (inScope) assert.ok(isEquality && !deletesARow, "a delete was left out");
        });
      }
    },
  );
  fc.assert(property, { numRuns: 400 });
});

function sharesKey(row: Keys, key: Keys, equalityIds: readonly number[]): boolean {
  // Null equals null and NaN equals NaN in an equality delete; -0.0 and 0.0 may be taken as equal.
  return equalityIds.every((id) =>
    id === 1 ? row.id === key.id : row.d === key.d || (Number.isNaN(row.d) && Number.isNaN(key.d))
  );
}

Deno.test("100,000 files against 10,000 narrow equality deletes take no quadratic time", () => {
  const deletes = Array.from({ length: 10_000 }, (_, i): DeleteFile => {
    // Ranges in random order of sequence: neighbours by number are far apart by key.
    const start = BigInt((i * 7919) % 10_000) * 100n;
    return { dataFile: equality(`e${i}`, ids(start, start + 9n)), sequenceNumber: BigInt(i + 1) };
  });
  const built = new DeleteIndex(table(), deletes);
  const started = performance.now();
  let found = 0;
  for (let i = 0; i < 100_000; i++) {
    const start = BigInt(i * 10);
    found += built.forFile(file("a", ids(start, start + 9n)), 0n).length;
  }
  assert.equal(found, 10_000);
  // Pair by pair this takes minutes; the bound leaves room for a busy machine.
  assert.ok(performance.now() - started < 20_000);
});
