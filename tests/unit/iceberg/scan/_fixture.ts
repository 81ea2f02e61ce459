/** Opens the real tables of the shared fixtures, which were copied away from where they were written. */
import { pathToFileURL } from "node:url";
import { AppError } from "../../../../lib/errors.ts";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { parseWhere } from "../../../../lib/iceberg/expression/parse_where.ts";
import type { FileIo } from "../../../../lib/iceberg/ports.ts";
import {
  type ManifestSource,
  manifestSource,
} from "../../../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../../lib/iceberg/scan/plan_files.ts";
import { resolveSnapshot } from "../../../../lib/iceberg/scan/time_travel.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { FIXTURES } from "../../../support/fixtures.ts";

const ROOT = pathToFileURL(`${FIXTURES}/`);

/** A table of the fixtures. */
export interface FixtureTable {
  readonly metadata: TableMetadata;
  readonly manifests: ManifestSource;
  /** Locations read so far. */
  readonly reads: readonly string[];
}

/** Opens a table by a metadata file's path below the fixtures' root. */
export async function openFixture(path: string): Promise<FixtureTable> {
  const location = new URL(path, ROOT);
  const metadata = parseTableMetadata(await Deno.readFile(location), { location: path });
  const reads: string[] = [];
  const io = relocated(metadata.location, new URL("..", location), reads);
  return { metadata, manifests: manifestSource(io, metadata), reads };
}

/** Plans the current state, filtered by a `where` string. */
export async function planCurrent(
  table: FixtureTable,
  where: string | null = null,
): Promise<readonly FileScanTask[]> {
  const { metadata, manifests } = table;
  const { snapshot, schema } = resolveSnapshot(metadata, { kind: "current" });
  if (snapshot === null) return [];
  const filter = where === null ? {} : { filter: bind(parseWhere(where), schema) };
  return await Array.fromAsync(planFiles({ metadata, snapshot, manifests, ...filter }));
}

/** The last five characters of a data file's stem: enough to tell the fixtures' files apart. */
export function shortName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.[a-z]+$/, "").slice(-5);
}

function relocated(recorded: string, found: URL, reads: string[]): FileIo {
  const prefix = recorded.replace(/^\.\//, "");
  const refuse = () => {
    throw new TypeError("Cannot do more than read a fixture");
  };
  return {
    async read(location, options = {}) {
      options.signal?.throwIfAborted();
      reads.push(location);
      const plain = location.replace(/^\.\//, "");
      if (!plain.startsWith(`${prefix}/`)) {
        throw new AppError("forbidden", "forbidden", `Cannot read "${location}" outside the table`);
      }
      return await Deno.readFile(new URL(plain.slice(prefix.length + 1), found));
    },
    stat: refuse,
    listFolder: refuse,
    listRecursive: refuse,
    createIfAbsent: refuse,
    put: refuse,
    openWriter: refuse,
    delete: refuse,
  };
}
