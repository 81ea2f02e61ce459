import assert from "node:assert/strict";
import { fileMetrics, metricsConfig } from "../../lib/columnar/parquet/mod.ts";
import type {
  IcebergValue,
  NestedField,
  PrimitiveType,
  Type,
} from "../../lib/iceberg/spec/types.ts";
import { decodeValue, formatValue } from "../../lib/iceberg/spec/values.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { rowText } from "../support/rows.ts";
import { field, peerFigures, rowTexts, sampleTable, writeRows } from "./_parquet_rows.ts";
import { peerTest } from "./_peers.ts";
import { assertSameRows } from "./_same_rows.ts";

await readyParquet();

/** What PyArrow says of a file. */
interface Description {
  readonly rows: readonly string[];
  readonly schema: string;
  readonly created_by: string;
  readonly row_groups: number;
  readonly codecs: readonly string[];
  /** Columns without an index of offsets, and without one of bounds. */
  readonly unindexed: { readonly offsets: readonly string[]; readonly bounds: readonly string[] };
  readonly statistics: readonly {
    readonly path: string;
    readonly nulls: number;
    readonly min: string | null;
    readonly max: string | null;
  }[];
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-parquet-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function openFolder(folder: string) {
  return openStorage({ local: { kind: "local", roots: [folder] }, s3: null });
}

const ROWS = 1_000;
/** A column with nothing to have bounds of. */
const ALL_NULL = "ls.list.element.y";
const CODECS = ["zstd", "snappy", "gzip", "brotli", "lz4", "uncompressed"] as const;

/** Writes the sample table in each way; file by name of the way. */
async function writeWays(folder: string, options: { readonly forSpark: boolean }) {
  const io = openFolder(folder);
  const table = sampleTable({ ...options, rows: ROWS });
  const ways = [
    ...CODECS.map((codec) => [codec, { "write.parquet.compression-codec": codec }] as const),
    ["v2", { "write.parquet.page-version": "v2" }] as const,
    ["small_pages", { "write.parquet.page-size-bytes": "512" }] as const,
  ];
  const files = new Map<string, Awaited<ReturnType<typeof writeRows>>>();
  for (const [way, properties] of ways) {
    const location = `${folder}/ours-${way}.parquet`;
    files.set(way, await writeRows(io, location, { ...table, properties }));
  }
  const expected = table.rows.map((row) => rowText(row, table.schema.fields));
  return { ...table, files, expected };
}

peerTest("PyArrow reads what drls writes: rows, types, indexes, statistics", ["pyiceberg"], {
  fn: () =>
    inFolder(async (folder) => {
      const { files, expected, schema } = await writeWays(folder, { forSpark: false });
      const paths = [...files.values()].map(({ location }) => location);
      const found = await peerFigures<Description[]>("pyiceberg", "pyarrow_parquet.py", [
        "read",
        ...paths,
      ]);
      for (const [at, way] of [...files.keys()].entries()) {
        const { rows, row_groups, codecs, unindexed, created_by } = found[at]!;
        assertSameRows(rows, expected, way);
        assert.equal(row_groups, 3);
        assert.deepEqual(unindexed, { offsets: [], bounds: [ALL_NULL] }, way);
        assert.match(created_by, /^drls version/);
        const codec = CODECS.find((name) => name === way) ?? "zstd";
        assert.deepEqual(codecs, [codec.toUpperCase()], way);
      }
      assert.deepEqual(withoutHistory(found[0]!.schema).split("\n"), PYARROW_SCHEMA.split("\n"));
      const metrics = fileMetrics(
        files.get("zstd")!.leafStats,
        metricsConfig({ schema, properties: { "write.metadata.metrics.default": "full" } }),
      );
      for (const { path, nulls, min } of found[0]!.statistics) {
        const leaf = files.get("zstd")!.leafStats.find((stats) => stats.leaf.name === path);
        if (leaf === undefined || leaf.leaf.isRepeated) continue;
        const { fieldId, type } = leaf.leaf;
        assert.equal(metrics.nullValueCounts.get(fieldId), nulls, path);
        if (type.kind === "int" || type.kind === "long" || type.kind === "boolean") {
          const bytes = metrics.lowerBounds.get(fieldId)!;
          assert.equal(
            formatValue(type, decodeValue(type, bytes)).toLowerCase(),
            min?.toLowerCase(),
          );
        }
      }
    }),
});

/** PyArrow also shows which of two annotations it took a type from. */
function withoutHistory(schema: string): string {
  return schema.trim().replaceAll(/, (?:is_from_converted|force_set_converted)_type=\w+/g, "");
}

/** What the specification maps each type to (spec "Parquet"). */
const PYARROW_SCHEMA = `\
required group field_id=-1 table {
  required int64 field_id=1 id;
  optional int32 field_id=2 i;
  optional float field_id=3 f;
  optional double field_id=4 d;
  optional boolean field_id=5 b;
  optional binary field_id=6 s (String);
  optional binary field_id=7 o;
  optional fixed_len_byte_array(5) field_id=8 x;
  optional int32 field_id=9 dt (Date);
  optional int64 field_id=10 ts (Timestamp(isAdjustedToUTC=false, timeUnit=microseconds));
  optional int64 field_id=11 tz (Timestamp(isAdjustedToUTC=true, timeUnit=microseconds));
  optional int32 field_id=12 d1 (Decimal(precision=1, scale=1));
  optional int32 field_id=13 d5 (Decimal(precision=5, scale=2));
  optional int64 field_id=14 d18 (Decimal(precision=18, scale=3));
  optional fixed_len_byte_array(16) field_id=15 d38 (Decimal(precision=38, scale=9));
  optional group field_id=16 li (List) {
    repeated group field_id=-1 list {
      optional int32 field_id=110 element;
    }
  }
  optional group field_id=17 lr (List) {
    repeated group field_id=-1 list {
      required binary field_id=111 element (String);
    }
  }
  optional group field_id=18 ls (List) {
    repeated group field_id=-1 list {
      optional group field_id=112 element {
        optional int32 field_id=121 x;
        optional binary field_id=122 y (String);
      }
    }
  }
  optional group field_id=19 m (Map) {
    repeated group field_id=-1 key_value {
      required binary field_id=113 key (String);
      optional int64 field_id=114 value;
    }
  }
  optional group field_id=20 st {
    optional int32 field_id=101 x;
    required binary field_id=102 y (String);
  }
  optional int64 field_id=21 tm (Time(isAdjustedToUTC=false, timeUnit=microseconds));
  optional fixed_len_byte_array(16) field_id=22 u (UUID);
  optional int64 field_id=23 ns (Timestamp(isAdjustedToUTC=false, timeUnit=nanoseconds));
}`;

peerTest("DuckDB reads what drls writes, and finds rows by its indexes", ["duckdb"], {
  fn: () =>
    inFolder(async (folder) => {
      const { files, expected } = await writeWays(folder, { forSpark: false });
      const paths = [...files.values()].map(({ location }) => location);
      const found = await peerFigures<{ rows: string[]; found: number }[]>(
        "duckdb",
        "duckdb_parquet.py",
        ["read", ...paths],
      );
      for (const [at, way] of [...files.keys()].entries()) {
        assertSameRows(found[at]!.rows, expected, way);
        assert.equal(found[at]!.found, 100, way);
      }
    }),
});

peerTest("files that DuckDB wrote read here as they were", ["duckdb"], {
  fn: () =>
    inFolder(async (folder) => {
      const { files, expected, schema } = await writeWays(folder, { forSpark: false });
      const source = files.get("zstd")!.location;
      const ways = await peerFigures<string[]>("duckdb", "duckdb_parquet.py", [
        "write",
        source,
        folder,
      ]);
      const io = openFolder(folder);
      for (const way of ways) {
        const rows = await rowTexts(io, `${folder}/${way}.parquet`, schema.fields);
        assertSameRows(rows, expected, way);
      }
    }),
});

peerTest("Spark reads what drls writes, and drls what Spark writes", ["spark", "pyiceberg"], {
  fn: () =>
    inFolder(async (folder) => {
      const { files, expected, ...table } = await writeWays(folder, { forSpark: true });
      const { schema } = table;
      const { names, found } = await peerFigures<{ names: string[]; found: number }>(
        "spark",
        "spark_parquet.py",
        [files.get("zstd")!.location, folder],
      );
      assert.equal(found, 100);
      const io = openFolder(folder);
      const [copy] = await peerFigures<Description[]>("pyiceberg", "pyarrow_parquet.py", [
        "read",
        `${folder}/plain.parquet`,
      ]);
      assertSameRows(copy!.rows, expected, "plain");
      const inMillis = table.rows.map((row) =>
        rowText(toMillis(row, schema.fields), schema.fields)
      );
      for (const name of names) {
        const rows = await rowTexts(io, `${folder}/${name}.parquet`, schema.fields);
        assertSameRows(rows, name === "millis" ? inMillis : expected, name);
      }
    }),
});

/** A row whose instants have lost what is below a millisecond; local times keep it in Spark. */
function toMillis(row: readonly IcebergValue[], fields: readonly NestedField[]): IcebergValue[] {
  return row.map((value, at) =>
    typeof value === "bigint" && fields[at]!.type.kind === "timestamptz"
      ? BigInt(Math.floor(Number(value) / 1000)) * 1000n
      : value
  );
}

/** The columns of the table that PyArrow writes. */
const PEER_FIELDS: readonly NestedField[] = peerFields();

function peerFields(): readonly NestedField[] {
  const struct: Type = {
    kind: "struct",
    fields: [field(101, "x", { kind: "int" }), field(102, "y", { kind: "string" })],
  };
  const list = (element: Type): Type => ({
    kind: "list",
    elementId: 103,
    elementRequired: false,
    element,
  });
  const decimal = (precision: number, scale: number): PrimitiveType => ({
    kind: "decimal",
    precision,
    scale,
  });
  const types: readonly (readonly [string, Type])[] = [
    ["i", { kind: "int" }],
    ["l", { kind: "long" }],
    ["f", { kind: "float" }],
    ["d", { kind: "double" }],
    ["b", { kind: "boolean" }],
    ["s", { kind: "string" }],
    ["o", { kind: "binary" }],
    ["x", { kind: "fixed", length: 5 }],
    ["dt", { kind: "date" }],
    ["tm", { kind: "time" }],
    ["ts", { kind: "timestamp" }],
    ["tz", { kind: "timestamptz" }],
    ["d5", decimal(5, 2)],
    ["d18", decimal(18, 3)],
    ["d38", decimal(38, 9)],
    ["li", list({ kind: "int" })],
    ["ls", list(struct)],
    ["ll", list(list({ kind: "string" }))],
    ["m", {
      kind: "map",
      keyId: 104,
      key: { kind: "string" },
      valueId: 105,
      valueRequired: false,
      value: { kind: "long" },
    }],
    ["st", struct],
  ];
  return types.map(([name, type], at) => field(at + 1, name, type));
}

peerTest("files that PyArrow wrote, in every way it knows, read here as they were", ["pyiceberg"], {
  fn: (t) =>
    inFolder(async (folder) => {
      const ways = await peerFigures<string[]>("pyiceberg", "pyarrow_parquet.py", [
        "write",
        folder,
      ]);
      const expected = (await Deno.readTextFile(`${folder}/rows.jsonl`)).split("\n");
      const io = openFolder(folder);
      for (const way of ways) {
        await t.step(way, async () => {
          const rows = await rowTexts(io, `${folder}/${way}.parquet`, PEER_FIELDS);
          assertSameRows(rows, way === "no_rows" ? [] : expected, way);
        });
      }
    }),
});
