/** Tables whose manifests lie: counts, schemas, bombs, figures, deletes that fit nothing. */
import { deflateRawSync } from "node:zlib";
import { long, sized } from "../avro_bytes.ts";
import type { PartitionField } from "../../../lib/iceberg/spec/partition_spec.ts";
import { dataFile } from "../memory_table.ts";
import {
  type AvroFile,
  avroFile,
  block,
  entryBytes,
  entrySchema,
  field,
  joined,
  type Line,
  manifestList,
  nestedSchema,
  repeated,
} from "./avro_files.ts";
import { type HostileCase, MANIFESTS, NONE } from "./case.ts";
import { LIST_FILE, MANIFEST_FILE, putFile, writeTableFolder } from "./table_folder.ts";

const MIB = 1024 * 1024;
const ENTRY = entryBytes({});

/** A table whose manifests are these, each listed with its content. */
function manifests(
  name: string,
  make: (full: boolean) => readonly (AvroFile & { readonly content?: Line["content"] })[],
  { fields = [], ...more }: Partial<HostileCase> & { fields?: readonly PartitionField[] } = {},
): HostileCase {
  return {
    name,
    fails: MANIFESTS,
    async make(folder, { full }) {
      await writeTableFolder(folder, undefined, { partitionSpecs: [{ specId: 0, fields }] });
      const lines: Line[] = [];
      for (const [i, file] of make(full).entries()) {
        const bytes = avroFile(file);
        await putFile(folder, `metadata/m${i}.avro`, bytes);
        const content = file.content ?? "data";
        lines.push({ path: `${folder}/metadata/m${i}.avro`, length: bytes.length, content });
      }
      await putFile(folder, LIST_FILE, manifestList(lines));
    },
    ...more,
  };
}

const BY_REGION: PartitionField = {
  sourceIds: [3],
  fieldId: 1000,
  name: "p",
  transform: { kind: "identity" },
};
const PATH_PARTITION = [field("p", 1000, "string")];
const sums = (more: Parameters<typeof entryBytes>[0]) => [{
  schema: entrySchema(),
  blocks: [block(2, repeated(entryBytes(more), 2))],
}];

/** See the module comment. */
export const MANIFEST_CASES: readonly HostileCase[] = [
  manifests(
    "a manifest with a count of 2^40",
    () => [{ schema: entrySchema(), blocks: [block(2n ** 40n)] }],
  ),
  manifests("a manifest of records of nothing", () => [{
    schema: { type: "record", name: "manifest_entry", fields: [] },
    blocks: [block(1_900_000)],
  }]),
  manifests("a manifest that nests deep", () => [{ schema: nestedSchema(30_000), blocks: [] }]),
  manifests("a manifest bomb of entries", (full) => {
    const count = full ? 1_900_000 : 900_000;
    return [{
      schema: entrySchema(),
      codec: "deflate",
      blocks: [block(count, deflateRawSync(repeated(ENTRY, count)))],
    }];
  }, { fails: ["files"] }),
  manifests("sixteen manifest bombs of entries", () =>
    Array(16).fill({
      schema: entrySchema(),
      codec: "deflate",
      blocks: [block(1_900_000, deflateRawSync(repeated(ENTRY, 1_900_000)))],
    }), { fails: ["files"], slow: true }),
  manifests("manifest bombs of deletes", (full) => {
    const count = full ? 600_000 : 100_000;
    const entry = entryBytes({ content: 1, path: "x", format: "parquet" });
    return Array(full ? 16 : 3).fill({
      content: "deletes",
      schema: entrySchema(),
      codec: "deflate",
      blocks: [block(count, deflateRawSync(repeated(entry, count)))],
    });
  }, { fails: NONE }),
  manifests("paths of megabytes", (full) => {
    const entry = entryBytes({ path: "p".repeat(MIB) });
    const times = full ? 120 : 20;
    return Array(full ? 8 : 1).fill({
      schema: entrySchema(),
      codec: "deflate",
      blocks: Array(full ? 7 : 1).fill(block(times, deflateRawSync(repeated(entry, times)))),
    });
  }, { fails: NONE }),
  manifests("a partition of its own for every file", (full) => {
    const count = full ? 1_100_000 : 50_000;
    const entries = Array.from(
      { length: count },
      (_, i) => entryBytes({ partition: sized(`p${i}`) }),
    );
    return [{
      schema: entrySchema(PATH_PARTITION),
      metadata: {
        "partition-spec": '[{"name":"p","transform":"identity","source-id":3,"field-id":1000}]',
      },
      codec: "deflate",
      blocks: [block(count, deflateRawSync(joined(entries)))],
    }];
  }, { fails: NONE, fields: [BY_REGION] }),
  manifests("statistics of a million columns", () => {
    const pair = {
      type: "record",
      name: "k",
      fields: [field("key", 126, "int"), field("value", 127, "bytes")],
    };
    const map = field("upper_bounds", 128, { type: "array", items: pair, logicalType: "map" });
    const more = joined([long(1_000_000), new Uint8Array(2_000_000), long(0)]);
    const entry = entryBytes({ content: 1, format: "parquet", more });
    return [{
      content: "deletes",
      schema: entrySchema([], [map]),
      codec: "deflate",
      blocks: [block(8, deflateRawSync(repeated(entry, 8)))],
    }];
  }, { fails: NONE }),
  manifests("bounds that end before they begin", () => {
    const pair = {
      type: "record",
      name: "k",
      fields: [field("key", 126, "int"), field("value", 127, "bytes")],
    };
    const map = field("upper_bounds", 128, { type: "array", items: pair, logicalType: "map" });
    const entry = entryBytes({ content: 1, more: joined([long(2n ** 40n)]) });
    return [{ content: "deletes", schema: entrySchema([], [map]), blocks: [block(1, entry)] }];
  }),
  manifests("sizes beyond 2^53", () => sums({ bytes: 2n ** 62n })),
  manifests("sizes that sum up beyond 2^53", () => sums({ bytes: 2n ** 53n - 1n }), {
    fails: ["health"],
  }),
  manifests("rows that sum up beyond 2^53", () => sums({ records: 2n ** 53n - 1n }), {
    fails: ["health"],
  }),
  manifests("negative sizes", () => sums({ bytes: -1 })),
  manifests("contents that are none", () => sums({ content: 9 })),
  manifests("a vector that names no file", () => [{
    content: "deletes",
    schema: entrySchema(),
    blocks: [block(1, entryBytes({ content: 1, format: "puffin" }))],
  }], { fails: ["health"] }),
  manifests("data among deletes", () => [{
    content: "deletes",
    schema: entrySchema(),
    blocks: [block(1, entryBytes({ content: 0 }))],
  }], { fails: NONE }),
  manifests("deletes among data", () => sums({ content: 2 }), { fails: NONE }),
  manifests("as many kinds of equality deletes as data files", (full) => {
    const count = full ? 100_000 : 20_000;
    const ids = field("equality_ids", 135, { type: "array", items: "int" });
    const deletes = Array.from(
      { length: count },
      (_, i) => entryBytes({ content: 2, more: joined([long(1), long(i), long(0)]) }),
    );
    return [
      {
        content: "deletes" as const,
        schema: entrySchema([], [ids]),
        blocks: [block(count, joined(deletes))],
      },
      { schema: entrySchema(), blocks: [block(count, repeated(ENTRY, count))] },
    ];
  }, { fails: NONE }),
  manifests("a partition value of another type", () => [{
    schema: entrySchema([field("ts_day", 1000, "string")]),
    blocks: [block(1, entryBytes({ partition: sized("no day") }))],
  }], { fails: NONE }),
  {
    name: "partition values of other types than the spec's",
    fails: NONE,
    async make(folder) {
      await writeTableFolder(folder, { files: [dataFile("a")] });
      const tuple = [field("ts_day", 1000, "bytes"), field("region", 1001, "double")];
      const partition = joined([sized(new Uint8Array(9)), new Uint8Array(8).fill(0xff)]);
      const bytes = avroFile({
        schema: entrySchema(tuple),
        blocks: [block(1, entryBytes({ partition }))],
      });
      await putFile(folder, MANIFEST_FILE, bytes);
    },
  },
  {
    name: "a day that no calendar has",
    fails: NONE,
    async make(folder) {
      await writeTableFolder(folder, {
        files: [dataFile("a", { partition: [2_147_483_647, "x"] })],
      });
    },
  },
];
