/** Catalogs over a folder of this machine, as servers and PyIceberg open the same one. */
import { startRestFixture } from "./_rest_servers.ts";

/** Catalogs that are tried. */
export type LakeType = "hadoop" | "sql" | "rest";

/** A warehouse and its catalog. */
export interface Lake extends AsyncDisposable {
  readonly type: LakeType;
  /** Of servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Of PyIceberg. */
  readonly properties: Readonly<Record<string, string>>;
  /** The folder in which namespaces lie. */
  readonly warehouse: string;
}

/** Makes an empty one; what it needs lies in `dir`, which is the caller's to remove. */
export async function openLake(type: LakeType, dir: string): Promise<Lake> {
  if (type === "rest") return await openRest();
  const warehouse = `${dir}/wh`;
  await Deno.mkdir(warehouse);
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (type === "hadoop") {
    const env = { DRLS_CATALOG_TYPE: "hadoop", DRLS_WAREHOUSE: warehouse };
    return { type, env, properties: { type }, warehouse, ...nothing };
  }
  await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
  const uri = `sqlite:///${dir}/catalog.db`;
  return {
    type,
    env: { DRLS_CATALOG_TYPE: "sql", DRLS_CATALOG_URI: uri, DRLS_WAREHOUSE: warehouse },
    properties: { type, uri, warehouse: `file://${warehouse}` },
    warehouse,
    ...nothing,
  };
}

async function openRest(): Promise<Lake> {
  const server = await startRestFixture();
  const { uri, warehouse } = server;
  const credential = "peer:secret";
  return {
    type: "rest",
    env: {
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: uri,
      DRLS_STORAGE_ROOTS: warehouse,
      DRLS_CATALOG_PROPS: JSON.stringify({ credential }),
    },
    properties: { type: "rest", uri, credential },
    warehouse,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
