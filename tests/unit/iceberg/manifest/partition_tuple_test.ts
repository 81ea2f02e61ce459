import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import {
  type PartitionFieldRef,
  partitionFieldRefs,
} from "../../../../lib/iceberg/manifest/partition_tuple.ts";
import { readManifestEntries } from "../../../../lib/iceberg/manifest/read_manifest.ts";
import { scanManifest } from "../../../../lib/iceberg/manifest/scan_manifest.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { container } from "../../../support/avro_bytes.ts";
import { committed, entry, field, partitionType, write } from "./_samples.ts";

function roundTrip(
  types: readonly PrimitiveType[],
  tuples: readonly (readonly IcebergValue[])[],
  partitionFields?: readonly PartitionFieldRef[],
): readonly (readonly IcebergValue[])[] {
  const entries = tuples.map((partition) => entry({}, { partition }));
  const { bytes, manifest } = write(entries, { partitionType: partitionType(...types) });
  const options = partitionFields === undefined ? {} : { partitionFields };
  return readManifestEntries(bytes, { manifest: committed(manifest), ...options })
    .map(({ dataFile }) => dataFile.partition);
}

const CASES: readonly (readonly [PrimitiveType, readonly IcebergValue[]])[] = [
  [{ kind: "boolean" }, [true, false]],
  [{ kind: "int" }, [0, -1, 2 ** 31 - 1]],
  [{ kind: "long" }, [0n, -(2n ** 63n), 2n ** 63n - 1n]],
  [{ kind: "float" }, [1.5, NaN, -Infinity]],
  [{ kind: "double" }, [Math.PI, -0]],
  [{ kind: "date" }, [19_700, -1]],
  [{ kind: "time" }, [86_399_999_999n]],
  [{ kind: "timestamp" }, [1_684_161_045_000_000n]],
  [{ kind: "timestamptz" }, [-1n]],
  [{ kind: "timestamp_ns" }, [1_684_161_045_000_000_123n]],
  [{ kind: "timestamptz_ns" }, [0n]],
  [{ kind: "string" }, ["", "naïve", "日本語", "x".repeat(500)]],
  [{ kind: "uuid" }, ["f79c3e09-677c-4bbd-a479-3f349cb785e7"]],
  [{ kind: "binary" }, [new Uint8Array(0), Uint8Array.of(0, 255)]],
  [{ kind: "fixed", length: 3 }, [Uint8Array.of(1, 2, 3)]],
  [{ kind: "decimal", precision: 9, scale: 2 }, [-999_999_999n, 0n, 127n, 128n, -128n, -129n]],
  [{ kind: "decimal", precision: 38, scale: 10 }, [10n ** 38n - 1n, -(10n ** 38n) + 1n]],
];

for (const [type, values] of CASES) {
  Deno.test(`readManifest() reads back partition values of type ${type.kind} and null`, () => {
    const tuples = [...values, null].map((value) => [value]);
    assert.deepEqual(roundTrip([type], tuples), tuples);
  });
}

Deno.test("readManifest() reads back tuples of many fields, two of one fixed type among them", () => {
  const types: PrimitiveType[] = [{ kind: "uuid" }, { kind: "int" }, { kind: "uuid" }];
  const uuid = (digit: string) => `0000000${digit}-0000-0000-0000-000000000000`;
  const tuples = [[uuid("1"), 5, uuid("2")], [null, null, uuid("3")]];
  assert.deepEqual(roundTrip(types, tuples), tuples);
});

Deno.test("readManifest() reads back a field of unknown type as null", () => {
  assert.deepEqual(roundTrip([{ kind: "unknown" }, { kind: "int" }], [[null, 1]]), [[null, 1]]);
  assert.deepEqual(roundTrip([{ kind: "unknown" }], [[null]]), [[null]]);
});

Deno.test("readManifest() gives the tuple in the order asked for, by field id", () => {
  const types: PrimitiveType[] = [{ kind: "int" }, { kind: "string" }];
  const wanted = [{ fieldId: 1001 }, { fieldId: 1007 }, { fieldId: 1000 }];
  assert.deepEqual(roundTrip(types, [[1, "a"], [2, "b"]], wanted), [["a", null, 1], [
    "b",
    null,
    2,
  ]]);
  assert.deepEqual(roundTrip(types, [[1, "a"]], [{ fieldId: 1001 }]), [["a"]]);
});

Deno.test("readManifest() widens values to the type that the field has today", () => {
  const widened = (from: PrimitiveType, value: IcebergValue, to: PrimitiveType) =>
    roundTrip([from], [[value], [null]], [{ fieldId: 1000, resultType: to }]);
  assert.deepEqual(widened({ kind: "int" }, 5, { kind: "long" }), [[5n], [null]]);
  assert.deepEqual(widened({ kind: "long" }, 5n, { kind: "int" }), [[5], [null]]);
  assert.deepEqual(widened({ kind: "date" }, 2, { kind: "timestamp" }), [[172_800_000_000n], [
    null,
  ]]);
  assert.deepEqual(
    widened({ kind: "date" }, 1, { kind: "timestamp_ns" }),
    [[86_400_000_000_000n], [null]],
  );
  assert.deepEqual(widened({ kind: "float" }, 1.5, { kind: "double" }), [[1.5], [null]]);
  const plain = Uint8Array.of(0xff, 0x38);
  const decimal: PrimitiveType = { kind: "decimal", precision: 9, scale: 2 };
  assert.deepEqual(widened({ kind: "binary" }, plain, decimal), [[-200n], [null]]);
});

Deno.test("partitionFieldRefs() names the fields and types of a partition type", () => {
  const type = { kind: "struct" as const, fields: [field(1004, "p", { kind: "long" })] };
  assert.deepEqual(partitionFieldRefs(type), [{ fieldId: 1004, resultType: { kind: "long" } }]);
});

Deno.test("readManifest() hands out one array per partition", () => {
  const tuples = Array.from({ length: 300 }, (_, index) => [index % 3, `p${index % 3}`]);
  const read = roundTrip([{ kind: "int" }, { kind: "string" }], tuples);
  assert.deepEqual(read, tuples);
  assert.equal(new Set(read).size, 3);
});

Deno.test("readManifest() keeps tuples apart when there are more than it remembers", () => {
  const tuples = Array.from({ length: 5_000 }, (_, index) => [BigInt(index)]);
  const twice = [...tuples, ...tuples];
  assert.deepEqual(roundTrip([{ kind: "long" }], twice), twice);
});

Deno.test("readManifest() reads tuples that are too long to remember", () => {
  const tuples = Array.from({ length: 10 }, (_, index) => ["x".repeat(5_000) + index % 2]);
  assert.deepEqual(roundTrip([{ kind: "string" }], tuples), tuples);
});

Deno.test("readManifest() tells more writer schemas apart than it keeps compiled", () => {
  for (const round of [1, 2]) {
    for (let id = 1000; id < 1200; id++) {
      const type = { kind: "struct" as const, fields: [field(id, `p${id}`, { kind: "int" })] };
      const { bytes, manifest } = write([entry({}, { partition: [id * round] })], {
        partitionType: type,
      });
      const [read] = readManifestEntries(bytes, { manifest: committed(manifest) });
      assert.deepEqual(read?.dataFile.partition, [id * round]);
    }
  }
});

Deno.test("scanManifest() takes the same order and types as readManifest()", () => {
  const { bytes } = write([entry({}, { partition: [7] })], {
    partitionType: partitionType({ kind: "int" }),
  });
  const seen: unknown[] = [];
  const partitionFields = [{ fieldId: 1000, resultType: { kind: "long" } as const }];
  for (
    const _ of scanManifest(bytes, (file) => seen.push(file.partition), {
      location: "m.avro",
      partitionFields,
    })
  );
  assert.deepEqual(seen, [[7n]]);
});

Deno.test("readManifest() refuses a tuple with nested values or fields without ids", () => {
  const read = (fields: unknown[]) => () => {
    const tuple = { type: "record", name: "r102", fields };
    const required = [[100, "string"], [101, "string"], [103, "long"], [104, "long"]] as const;
    const dataFile = [
      { name: "partition", type: tuple, "field-id": 102 },
      ...required.map(([id, type]) => ({ name: `f${id}`, type, "field-id": id })),
    ];
    const schema = {
      type: "record",
      name: "manifest_entry",
      fields: [
        { name: "status", type: "int", "field-id": 0 },
        { name: "f", type: { type: "record", name: "r2", fields: dataFile }, "field-id": 2 },
      ],
    };
    const metadata = { "schema": "{}", "partition-spec": '[{"field-id":1000}]' };
    const bytes = container(schema, [], { metadata });
    return readManifestEntries(bytes, { manifest: write([]).manifest });
  };
  assert.deepEqual(read([{ name: "p", type: "int", "field-id": 1000 }])(), []);
  const list = { type: "array", items: "int" };
  for (const bad of [{ name: "p", type: list, "field-id": 1000 }, { name: "p", type: "int" }]) {
    assert.throws(
      read([bad]),
      (error: unknown) => error instanceof AppError && error.code === "manifest_malformed",
    );
  }
});
