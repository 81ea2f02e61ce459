/** Where a raced table lies: one bed for each kind of catalog, all of them real but for the network. */
import {
  type Catalog,
  type CatalogGateway,
  openCatalog,
  parseCatalogConfig,
  type TableDefinition,
  type TableLocation,
} from "../../lib/catalog/mod.ts";
import { openTableStore } from "../../lib/catalog/commit/mod.ts";
import { HadoopCatalog } from "../../lib/catalog/hadoop_catalog.ts";
import type { Clock } from "../../lib/clock.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import type { FileIo } from "../../lib/iceberg/ports.ts";
import type { PartitionSpec } from "../../lib/iceberg/spec/partition_spec.ts";
import type { FormatVersion } from "../../lib/iceberg/spec/table_metadata.ts";
import { MemoryFileIo, openStorage } from "../../lib/storage/mod.ts";
import { emptyTable } from "../support/commit_fixture.ts";
import { startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import { fakeRestTables } from "../support/fake_rest_tables.ts";
import { ANY_LOCATION } from "../support/maintenance/job_host.ts";
import { MemoryTableStore } from "../support/memory_table_store.ts";
import { openRest } from "../support/rest_tables_bed.ts";
import { S3Fake } from "../support/s3_fake.ts";
import { definitionOf, gatewayOf } from "../support/writable_tables.ts";
import { RACE_SCHEMA } from "./_rows.ts";
import type { Stepper } from "./_scheduler.ts";

/** Kinds of catalogs that a race can be run on without any other software. */
export const BED_KINDS = ["memory", "memory-rest", "hadoop", "hadoop-s3", "sql", "rest"] as const;
/** A kind of catalog. */
export type BedKind = typeof BED_KINDS[number];

/** The table to make. */
export interface BedOptions {
  readonly formatVersion: FormatVersion;
  readonly spec: PartitionSpec;
  readonly properties: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** A table in its catalog. */
export interface TableBed extends AsyncDisposable {
  readonly location: TableLocation;
  /** The step that commits: a call to the catalog, or the making of a file. */
  readonly commitsBy: "commit" | "create";
  /** The table's files, past all that watches. */
  readonly io: FileIo;
  /**
   * Opens the table over a store. With a process, calls to the catalog are steps of it; calls to the
   * store are if `io` makes them so.
   */
  openTable(io: FileIo, process: Stepper | null): TableStore;
}

/** Makes a table in a bed of its own. */
export async function openBed(kind: BedKind, options: BedOptions): Promise<TableBed> {
  switch (kind) {
    case "memory":
      return memoryBed(options, "file");
    case "memory-rest":
      return memoryBed(options, "rest");
    case "hadoop":
      return await hadoopBed(options);
    case "hadoop-s3":
      return await objectStoreBed(options);
    case "sql":
      return await sqlBed(options);
    case "rest":
      return await restBed(options);
  }
}

/** The name of a raced table that is alone in its catalog. */
const NAME = "db.t";

/** What is made where there is a catalog to make it. */
export function raceDefinition(options: BedOptions, name = NAME): TableDefinition {
  const { formatVersion, spec, properties } = options;
  return definitionOf(name, { schema: RACE_SCHEMA, spec, properties, formatVersion });
}

function memoryBed(options: BedOptions, kind: "file" | "rest"): TableBed {
  const { formatVersion, spec, properties, clock } = options;
  const io = new MemoryFileIo({ clock });
  const fieldIds = spec.fields.map(({ fieldId }) => fieldId);
  const base = new MemoryTableStore({
    kind,
    io,
    nowMs: () => clock.now(),
    metadata: emptyTable({
      formatVersion,
      location: "/warehouse/db/t",
      lastUpdatedMs: clock.now(),
      schemas: [RACE_SCHEMA],
      lastColumnId: RACE_SCHEMA.highestFieldId(),
      partitionSpecs: [spec],
      lastPartitionId: Math.max(999, ...fieldIds),
      nextRowId: formatVersion === 3 ? 0n : null,
      properties,
    }),
  });
  return {
    location: ANY_LOCATION,
    commitsBy: "commit",
    io,
    openTable: (own, process) => process === null ? base : watchedStore(base, own, process),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A store whose calls are steps themselves: there is no catalog behind it that could be asked. */
function watchedStore(base: TableStore, io: FileIo, process: Stepper): TableStore {
  return {
    keepsMetadataFiles: base.keepsMetadataFiles === true,
    load: (signal) =>
      process.perform(
        { what: "locate", where: NAME, weight: "look" },
        async () => ({ ...await base.load(signal), io }),
      ),
    commit: (table, change, commit) =>
      process.perform(
        { what: "commit", where: NAME, weight: "commit" },
        async () => ({ ...await base.commit(table, change, commit), io }),
      ),
  };
}

/** A bed over a catalog: `io` overrides what the location's storage opens to. */
async function catalogBed(
  catalog: Catalog,
  options: BedOptions,
  { io, dispose }: { readonly io?: FileIo; readonly dispose: () => Promise<void> },
): Promise<TableBed> {
  const location = await catalog.createTable(raceDefinition(options));
  return bedAt(location, catalog, { ...(io === undefined ? {} : { io }), dispose });
}

/** Races in one catalog, so that each has a table of its own. */
let configuredBeds = 0;

/**
 * A bed in any catalog that drls can be configured for: a table of its own, which is gone afterwards
 * with all its files. `config` is a body of `PUT /api/config`.
 */
export async function configuredBed(config: unknown, options: BedOptions): Promise<TableBed> {
  const open = { dataDir: null, storageRoots: [], clock: options.clock };
  const catalog = openCatalog(parseCatalogConfig(config, open), open);
  const name = `race.t_${Date.now()}_${Deno.pid}_${configuredBeds++}`;
  const location = await catalog.createTable(raceDefinition(options, name));
  const store = openTableStore(location, { gateway: gatewayOf(catalog), openStorage });
  const { io, metadata } = await store.load();
  const bed = bedAt(location, catalog, { io, dispose: () => Promise.resolve() });
  return {
    ...bed,
    async [Symbol.asyncDispose]() {
      await catalog.dropTable(await catalog.locate(name));
      for (const { location: file } of await Array.fromAsync(io.listRecursive(metadata.location))) {
        await io.delete(file);
      }
      await bed[Symbol.asyncDispose]();
    },
  };
}

/** A bed over a table that is there already. */
export function bedAt(
  location: TableLocation,
  catalog: Catalog,
  { io = openStorage(location.storage), dispose }: {
    readonly io?: FileIo;
    readonly dispose: () => Promise<void>;
  },
): TableBed {
  const gateway = gatewayOf(catalog);
  return {
    location,
    commitsBy: catalog.type === "hadoop" ? "create" : "commit",
    io,
    openTable: (own, process) =>
      openTableStore(location, {
        gateway: process === null ? gateway : watchedGateway(gateway, process),
        openStorage: () => own,
      }),
    async [Symbol.asyncDispose]() {
      await catalog.close();
      await dispose();
    },
  };
}

function watchedGateway(gateway: CatalogGateway, process: Stepper): CatalogGateway {
  return {
    locate: (identifier, options) =>
      process.perform(
        { what: "locate", where: NAME, weight: "look" },
        () => gateway.locate(identifier, options),
      ),
    commit: (identifier, commit, options) =>
      process.perform(
        { what: "commit", where: NAME, weight: "commit" },
        () => gateway.commit(identifier, commit, options),
      ),
    drop: () => Promise.reject(new TypeError("Nothing is dropped in a race")),
  };
}

async function hadoopBed(options: BedOptions): Promise<TableBed> {
  const folder = await Deno.makeTempDir({ prefix: "drls-race-" });
  const config = { type: "hadoop", name: "race", warehouse: folder, uri: null, extraProps: {} };
  const catalog = openCatalog({ ...config, type: "hadoop" }, {
    dataDir: null,
    storageRoots: [],
    clock: options.clock,
  });
  return await catalogBed(catalog, options, {
    dispose: () => Deno.remove(folder, { recursive: true }),
  });
}

async function objectStoreBed(options: BedOptions): Promise<TableBed> {
  const fake = await S3Fake.start();
  const io = fake.open();
  const catalog = new HadoopCatalog({
    name: "race",
    warehouse: "s3://bucket/wh",
    io,
    storage: { local: null, s3: null },
    clock: options.clock,
  });
  return await catalogBed(catalog, options, { io, dispose: () => fake[Symbol.asyncDispose]() });
}

async function sqlBed(options: BedOptions): Promise<TableBed> {
  const folder = await Deno.makeTempDir({ prefix: "drls-race-" });
  await Deno.mkdir(`${folder}/wh`);
  const config = {
    type: "sql",
    name: "race",
    warehouse: `${folder}/wh`,
    uri: `sqlite:///${folder}/catalog.db`,
    extraProps: {},
  } as const;
  await Deno.writeFile(`${folder}/catalog.db`, new Uint8Array());
  const catalog = openCatalog(config, { dataDir: null, storageRoots: [], clock: options.clock });
  return await catalogBed(catalog, options, {
    dispose: () => Deno.remove(folder, { recursive: true }),
  });
}

async function restBed(options: BedOptions): Promise<TableBed> {
  const tables = fakeRestTables({ now: () => options.clock.now() });
  const server = startFakeRestCatalog(tables.handler);
  return await catalogBed(openRest(server.uri), options, {
    io: new MemoryFileIo({ clock: options.clock }),
    dispose: async () => await server[Symbol.asyncDispose](),
  });
}
