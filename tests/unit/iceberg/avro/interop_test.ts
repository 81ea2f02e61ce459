import assert from "node:assert/strict";
import { compileValue } from "../../../../lib/iceberg/avro/compile_value.ts";
import { openContainer, readBlocks } from "../../../../lib/iceberg/avro/container.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { concat, long, sized } from "../../../support/avro_bytes.ts";

const SCHEMA = {
  type: "record",
  name: "r",
  fields: [
    { name: "a", type: "long" },
    { name: "s", type: ["null", "string"] },
    { name: "m", type: { type: "map", values: "int" } },
    { name: "d", type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 } },
    { name: "t", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "u", type: { type: "string", logicalType: "uuid" } },
    { name: "l", type: { type: "array", items: "double" } },
  ],
};

/**
 * Blocks written by Python: `fastavro.writer(out, schema, rows * 3, codec=..., sync_marker=
 * b"0123456789abcdef")` of fastavro 1.13.1, with rows of `a: -5, s: "naïve", m: {"k": 7}, d: -12.34,
 * t: 2024-01-02T03:04:05.678Z, u: f79c3e09-..., l: [1.5, -2.0]` and `a: 2**62, s: None, m: {}, d: 0,
 * t: 1969-12-31T23:59:59.999Z, u: 00000000-...-000000000001, l: []`.
 */
const BLOCKS = {
  "null":
    "0c920609020c6e61c3af766502026b0e0004fb2edcec868299634866373963336530392d363737632d34626264" +
    "2d613437392d33663334396362373835653704000000000000f83f00000000000000c000808080808080808080" +
    "0100000200014830303030303030302d303030302d303030302d303030302d3030303030303030303030310009" +
    "020c6e61c3af766502026b0e0004fb2edcec868299634866373963336530392d363737632d346262642d613437" +
    "392d33663334396362373835653704000000000000f83f00000000000000c00080808080808080808001000002" +
    "00014830303030303030302d303030302d303030302d303030302d3030303030303030303030310009020c6e61" +
    "c3af766502026b0e0004fb2edcec868299634866373963336530392d363737632d346262642d613437392d3366" +
    "3334396362373835653704000000000000f83f00000000000000c0008080808080808080800100000200014830" +
    "303030303030302d303030302d303030302d303030302d30303030303030303030303100303132333435363738" +
    "39616263646566",
  "deflate":
    "0cc801e364e2c94b3cbcbe2c9589299b8f81e5b7de9d376d4d33933dd2cc2d938d530d2c75cdcccd93754d9292" +
    "5274134dcc2d758dd38c4d2c9393cc2d4c53cd5918c0e0873d846638c0d000038c0c0c4c0c8c1e0650a08b8580" +
    "024306ce5127009d0000305b6030313233343536373839616263646566",
  "snappy":
    "0cf8018903f03e09020c6e61c3af766502026b0e0004fb2edcec868299634866373963336530392d363737632d" +
    "346262642d613437392d336633343963623738356537040000010204f83f010614000000c0008011011c010000" +
    "02000148300d01002d01083a05000d01043100fe8300fe8300fe8300fe83000983c671c4fc3031323334353637" +
    "3839616263646566",
  "zstandard":
    "0ce00128b52ffd608900350300040509020c6e61c3af766502026b0e0004fb2edcec8682996348663739633365" +
    "30392d363737632d346262642d613437392d3366333439636237383565370400f83f00c0008001000002000148" +
    "302d30310008000306a310608cd2a66219c8111007c6f905f630313233343536373839616263646566",
};

const ROWS: readonly IcebergValue[] = [
  [
    -5n,
    "naïve",
    [["k", 7]],
    -1_234n,
    BigInt(Date.parse("2024-01-02T03:04:05.678Z")) * 1_000n,
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    [1.5, -2],
  ],
  [2n ** 62n, null, [], 0n, -1_000n, "00000000-0000-0000-0000-000000000001", []],
];

for (const [codec, hex] of Object.entries(BLOCKS)) {
  Deno.test(`readBlocks() reads what fastavro writes with codec ${codec}`, () => {
    const text = new TextEncoder();
    const bytes = concat(
      text.encode("Obj\x01"),
      long(2),
      sized("avro.codec"),
      sized(codec),
      sized("avro.schema"),
      sized(JSON.stringify(SCHEMA)),
      0,
      text.encode("0123456789abcdef"),
      Uint8Array.fromHex(hex),
    );
    const file = openContainer(bytes, { location: "interop.avro" });
    assert.equal(file.codec, codec);
    const read = compileValue(parseAvroSchema(file.schemaText, { location: "interop.avro" }));
    const cursor = new AvroCursor("interop.avro");
    const rows: IcebergValue[] = [];
    for (const count of readBlocks(file, cursor)) {
      for (let left = count; left > 0; left--) rows.push(read(cursor));
    }
    assert.deepEqual(rows, [...ROWS, ...ROWS, ...ROWS]);
  });
}
