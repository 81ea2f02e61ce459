/** A catalog of each kind, as drls, PyIceberg and Spark open it. All of them call it by its kind. */
import { PEERS_DIR } from "../_peers.ts";
import { startRestFixture } from "../_rest_servers.ts";

/** Kinds of catalogs. */
export type LakeKind = "hadoop" | "sql" | "rest";

/** How each opens it. */
export interface LakeAccess {
  readonly kind: LakeKind;
  /** Of the server. */
  readonly env: Readonly<Record<string, string>>;
  readonly pyiceberg: Readonly<Record<string, string>>;
  readonly spark: Readonly<Record<string, string>>;
}

const CREDENTIAL = "peer:secret";

/** Java's catalog over a database needs its driver. */
export function sqliteDriver(): string {
  const jars = `${PEERS_DIR}/rest_fixture/jars`;
  for (const { name } of Deno.readDirSync(jars)) {
    if (name.startsWith("sqlite-jdbc")) return `${jars}/${name}`;
  }
  throw new Error(`No driver of SQLite is in ${jars}`);
}

/** Makes an empty catalog of each kind below a folder. */
export async function openLakes(dir: string, stack: AsyncDisposableStack): Promise<LakeAccess[]> {
  for (const kind of ["hadoop", "sql"]) await Deno.mkdir(`${dir}/${kind}`);
  await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
  const rest = stack.use(await startRestFixture());
  return [hadoop(`${dir}/hadoop`), sql(`${dir}/sql`, `${dir}/catalog.db`), restLake(rest)];
}

function hadoop(warehouse: string): LakeAccess {
  return {
    kind: "hadoop",
    env: { DRLS_CATALOG_NAME: "hadoop", DRLS_CATALOG_TYPE: "hadoop", DRLS_WAREHOUSE: warehouse },
    pyiceberg: { type: "hadoop", warehouse },
    spark: { type: "hadoop", warehouse },
  };
}

function sql(warehouse: string, database: string): LakeAccess {
  const uri = `sqlite:///${database}`;
  return {
    kind: "sql",
    env: {
      DRLS_CATALOG_NAME: "sql",
      DRLS_CATALOG_TYPE: "sql",
      DRLS_CATALOG_URI: uri,
      DRLS_WAREHOUSE: warehouse,
    },
    pyiceberg: { type: "sql", uri, warehouse: `file://${warehouse}` },
    spark: {
      type: "jdbc",
      uri: `jdbc:sqlite:${database}?busy_timeout=20000`,
      warehouse: `file://${warehouse}`,
      "jdbc.schema-version": "V1",
    },
  };
}

function restLake(
  { uri, warehouse }: { readonly uri: string; readonly warehouse: string },
): LakeAccess {
  return {
    kind: "rest",
    env: {
      DRLS_CATALOG_NAME: "rest",
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: uri,
      DRLS_STORAGE_ROOTS: warehouse,
      DRLS_CATALOG_PROPS: JSON.stringify({ credential: CREDENTIAL }),
    },
    pyiceberg: { type: "rest", uri, credential: CREDENTIAL },
    spark: { type: "rest", uri, credential: CREDENTIAL },
  };
}
