/** Tables whose manifest lists lie: lengths, counts, schemas, codecs, bombs. */
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { long } from "../avro_bytes.ts";
import {
  avroFile,
  block,
  field,
  joined,
  listLines,
  listSchema,
  manifestList,
  nestedSchema,
  repeated,
} from "./avro_files.ts";
import { type HostileCase, MANIFESTS } from "./case.ts";
import { LIST_FILE, MANIFEST_FILE, putFile, writeTableFolder } from "./table_folder.ts";

const MIB = 1024 * 1024;
const NOTHING = new Uint8Array();

/** A good table without partitions, with this manifest list. */
function list(
  name: string,
  make: (full: boolean) => Uint8Array,
  more: Partial<HostileCase> = {},
): HostileCase {
  return {
    name,
    fails: MANIFESTS,
    async make(folder, { full }) {
      await writeTableFolder(folder, undefined, { partitionSpecs: [{ specId: 0, fields: [] }] });
      await putFile(folder, LIST_FILE, make(full));
    },
    ...more,
  };
}

/** Snappy: claims `bytes`, holds one literal. */
function snappyLie(bytes: number): Uint8Array {
  const length: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 128)) {
    length.push(rest % 128 + (rest >= 128 ? 128 : 0));
  }
  return Uint8Array.of(...length, 0, 0x41, 0, 0, 0, 0);
}

const selfReference = {
  type: "record",
  name: "manifest_file",
  fields: [{ name: "next", type: ["null", "manifest_file"], "field-id": 500 }],
};

function doubling(levels: number): unknown {
  let fields: unknown[] = [{ name: "a", type: "int" }];
  let type: unknown = { type: "record", name: "r0", fields };
  for (let i = 1; i <= levels; i++) {
    fields = [{ name: "a", type }, { name: "b", type: `r${i - 1}` }];
    type = { type: "record", name: `r${i}`, fields };
  }
  return type;
}

/** See the module comment. */
export const LIST_CASES: readonly HostileCase[] = [
  list(
    "a list with a count of 2^40",
    () => avroFile({ schema: listSchema(), blocks: [block(2n ** 40n)] }),
  ),
  list(
    "a list with a count of -2^40",
    () => avroFile({ schema: listSchema(), blocks: [block(-(2n ** 40n))] }),
  ),
  list(
    "a list with a count of 2^63 - 1",
    () => avroFile({ schema: listSchema(), blocks: [block(2n ** 63n - 1n)] }),
  ),
  list(
    "a list with a block of 2^62 bytes",
    () => avroFile({ schema: listSchema(), blocks: [block(1, NOTHING, { size: 2n ** 62n })] }),
  ),
  list(
    "a list with a block of -1 bytes",
    () => avroFile({ schema: listSchema(), blocks: [block(1, NOTHING, { size: -1n })] }),
  ),
  list("a list with a wrong sync marker", () =>
    avroFile({
      schema: listSchema(),
      blocks: [block(1, listLines([{ path: "a" }]), { sync: new Uint8Array(16) })],
    })),
  list(
    "a list whose path is longer than the file",
    () => avroFile({ schema: listSchema(), blocks: [block(1, long(2n ** 40n))] }),
  ),
  list(
    "a list of an unknown codec",
    () => avroFile({ schema: listSchema(), codec: "xz", blocks: [] }),
  ),
  list("a list that nests deep", () => avroFile({ schema: nestedSchema(10_000), blocks: [] })),
  list(
    "a list that contains itself",
    () => avroFile({ schema: selfReference, blocks: [block(1, long(1))] }),
  ),
  list("a list of types that double", () => avroFile({ schema: doubling(30), blocks: [block(1)] })),
  list("a list of a million fields", (full) =>
    avroFile({
      schema: listSchema(
        Array.from({ length: full ? 1e6 : 60_000 }, (_, i) => ({ name: `f${i}`, type: "int" })),
      ),
      blocks: [],
    })),
  list(
    "a list of records of nothing",
    () =>
      avroFile({
        schema: { type: "record", name: "manifest_file", fields: [] },
        blocks: [block(1_900_000)],
      }),
  ),
  list("a deflate bomb of lines", (full) =>
    avroFile({
      schema: listSchema(),
      codec: "deflate",
      blocks: [
        block(
          full ? 1_900_000 : 600_000,
          deflateRawSync(repeated(listLines([{ path: "" }]), full ? 1_900_000 : 600_000)),
        ),
      ],
    })),
  list("a deflate bomb of zeros", (full) =>
    avroFile({
      schema: listSchema(),
      codec: "deflate",
      blocks: Array(full ? 12 : 1).fill(block(1, deflateRawSync(new Uint8Array(127 * MIB)))),
    })),
  list(
    "a deflate bomb beyond one block",
    () =>
      avroFile({
        schema: listSchema(),
        codec: "deflate",
        blocks: [block(1, deflateRawSync(new Uint8Array(200 * MIB)))],
      }),
  ),
  list(
    "a zstd bomb",
    () =>
      avroFile({
        schema: listSchema(),
        codec: "zstandard",
        blocks: [block(1, zstdCompressSync(new Uint8Array(200 * MIB)))],
      }),
  ),
  list(
    "a snappy lie",
    () =>
      avroFile({ schema: listSchema(), codec: "snappy", blocks: [block(1, snappyLie(2 ** 31))] }),
  ),
  list("summaries of a million partition fields, many times", (full) => {
    const summary = {
      type: "record",
      name: "r508",
      fields: [field("contains_null", 509, "boolean")],
    };
    const schema = listSchema([field("partitions", 507, { type: "array", items: summary })]);
    const times = full ? 60 : 7;
    const line = joined([
      listLines([{ path: "a" }]),
      long(900_000),
      new Uint8Array(900_000),
      long(0),
    ]);
    return avroFile({
      schema,
      codec: "deflate",
      blocks: [block(times, deflateRawSync(repeated(line, times)))],
    });
  }, { slow: true }),
  {
    name: "a list that lists itself",
    fails: MANIFESTS,
    async make(folder) {
      await writeTableFolder(folder, undefined, { partitionSpecs: [{ specId: 0, fields: [] }] });
      await putFile(
        folder,
        LIST_FILE,
        manifestList([{ path: `${folder}/${LIST_FILE}`, length: 400 }]),
      );
    },
  },
  {
    name: "very many manifests of nothing",
    fails: MANIFESTS,
    async make(folder, { full }) {
      await writeTableFolder(folder, undefined, { partitionSpecs: [{ specId: 0, fields: [] }] });
      const count = full ? 490_000 : 20_000;
      const lines = Array.from(
        { length: count },
        (_, i) => ({ path: `${folder}/metadata/${i}.avro` }),
      );
      await putFile(folder, "metadata/0.avro", "");
      await putFile(folder, LIST_FILE, manifestList(lines));
    },
  },
  {
    name: "one manifest again and again",
    fails: MANIFESTS,
    async make(folder) {
      await writeTableFolder(folder);
      const line = { path: `${folder}/${MANIFEST_FILE}`, length: 5_000 };
      await putFile(folder, LIST_FILE, manifestList(Array(50_000).fill(line)));
    },
  },
  {
    name: "a manifest where its list should be",
    fails: MANIFESTS,
    async make(folder) {
      await writeTableFolder(folder);
      await Deno.copyFile(`${folder}/${MANIFEST_FILE}`, `${folder}/${LIST_FILE}`);
    },
  },
];
