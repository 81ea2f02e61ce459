/** How files are written: the table's `write.parquet.*` properties, by their names in Iceberg. */

/** Codecs to write with. */
export type WriteCodec = "uncompressed" | "snappy" | "gzip" | "brotli" | "lz4_raw" | "zstd";

/** Settings of one table's files. */
export interface WriteSettings {
  /**
   * Compressed with the codec's default level (zstd 1): the encoder has no other, so that
   * `write.parquet.compression-level` is among the ignored properties.
   */
  readonly codec: WriteCodec;
  /** When to start another row group, in bytes as it will lie in the file. */
  readonly rowGroupSizeBytes: number;
  /**
   * A page also ends after 20,000 rows, Iceberg's default: the encoder has no other bound, so that
   * `write.parquet.page-row-limit` is among the ignored properties, and so are all of bloom filters.
   */
  readonly pageSizeBytes: number;
  readonly dictionarySizeBytes: number;
  readonly pageVersion: "v1" | "v2";
  /** Top-level columns that get no dictionary; by default each tries one. */
  readonly columnsWithoutDictionary: readonly string[];
  /** Top-level columns that get no statistics. */
  readonly columnsWithoutStatistics: readonly string[];
  /** Names of properties that are set and have no effect here. */
  readonly ignoredProperties: readonly string[];
}

/** What the files hold: the settings of delete files fall back to those of data files. */
export type WriteContent = "data" | "deletes";

const PREFIX = "write.parquet.";
const DELETE_PREFIX = "write.delete.parquet.";

const MIB = 1024 * 1024;

/** What the encoder does, so that asking for it is not ignored. */
const PAGE_ROW_LIMIT = "20000";

/** Names of codecs as tables give them. LZ4 is written in its standard framing, not in Hadoop's. */
const CODECS: Readonly<Record<string, WriteCodec>> = {
  uncompressed: "uncompressed",
  none: "uncompressed",
  snappy: "snappy",
  gzip: "gzip",
  brotli: "brotli",
  lz4: "lz4_raw",
  lz4_raw: "lz4_raw",
  zstd: "zstd",
};

const IGNORED = /^(?:bloom-filter-|compression-level$|page-row-limit$)/;

/**
 * Reads a table's properties. Values that make no sense are treated as absent and reported among the
 * ignored ones: a table must not become unwritable by a typing error.
 */
export function writeSettings(
  properties: Readonly<Record<string, string>>,
  content: WriteContent = "data",
): WriteSettings {
  const reader = new PropertyReader(properties, content);
  const settings = {
    codec: reader.choice("compression-codec", CODECS, { absent: "zstd" }),
    rowGroupSizeBytes: reader.size("row-group-size-bytes", 128 * MIB),
    pageSizeBytes: reader.size("page-size-bytes", MIB),
    dictionarySizeBytes: reader.size("dict-size-bytes", 2 * MIB),
    pageVersion: reader.choice("page-version", { v1: "v1", v2: "v2" } as const, { absent: "v1" }),
    columnsWithoutDictionary: reader.columns("dict-encoding-enabled.column."),
    columnsWithoutStatistics: reader.columns("stats-enabled.column."),
  };
  return { ...settings, ignoredProperties: reader.ignored() };
}

class PropertyReader {
  readonly #properties: Readonly<Record<string, string>>;
  readonly #prefixes: readonly string[];
  readonly #ignored = new Set<string>();

  constructor(properties: Readonly<Record<string, string>>, content: WriteContent) {
    this.#properties = properties;
    this.#prefixes = content === "deletes" ? [DELETE_PREFIX, PREFIX] : [PREFIX];
  }

  /** Names of ignored properties, sorted. */
  ignored(): readonly string[] {
    for (const [name, value] of Object.entries(this.#properties)) {
      const prefix = this.#prefixes.find((start) => name.startsWith(start));
      const rest = name.slice(prefix?.length ?? 0);
      if (prefix === undefined || !IGNORED.test(rest)) continue;
      if (rest === "page-row-limit" && value === PAGE_ROW_LIMIT) continue;
      this.#ignored.add(name);
    }
    return [...this.#ignored].sort();
  }

  size(name: string, absent: number): number {
    return this.#read(name, (text) => {
      const size = /^\d{1,15}$/.test(text) ? Number(text) : 0;
      return size > 0 ? Math.min(size, 2 ** 31 - 1) : null;
    }) ?? absent;
  }

  choice<T>(
    name: string,
    choices: Readonly<Record<string, T>>,
    { absent }: { readonly absent: NoInfer<T> },
  ): T {
    const read = (text: string) =>
      Object.hasOwn(choices, text.toLowerCase()) ? choices[text.toLowerCase()] ?? null : null;
    return this.#read(name, read) ?? absent;
  }

  /** Columns for which a switch with this name is off. */
  columns(name: string): readonly string[] {
    return Object.entries(this.#properties)
      .filter(([key, value]) =>
        key.startsWith(PREFIX + name) && value.trim().toLowerCase() === "false"
      )
      .map(([key]) => key.slice(PREFIX.length + name.length));
  }

  #read<T>(name: string, parse: (text: string) => T | null): T | null {
    for (const prefix of this.#prefixes) {
      const text = this.#properties[prefix + name];
      if (text === undefined) continue;
      const value = parse(text.trim());
      if (value !== null) return value;
      this.#ignored.add(prefix + name);
    }
    return null;
  }
}
