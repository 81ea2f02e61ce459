/** REST catalog servers for tests, on loopback and free ports, over fresh warehouses. */
import { startS3Server } from "../support/s3_server.ts";
import { findJar, PEERS_DIR } from "./_peers.ts";

/** Longest wait for a Java server to listen. */
const START_TIMEOUT_MS = 60_000;

/** A running catalog server. */
export interface RestServer extends AsyncDisposable {
  /** What clients take as `uri`. */
  readonly uri: string;
  /** Where the tables lie. */
  readonly warehouse: string;
}

/**
 * The server of the Iceberg project's own tests: a JDBC catalog over local disk, with OAuth2 client
 * credentials that it insists on.
 */
export async function startRestFixture(): Promise<RestServer> {
  const folder = await Deno.makeTempDir({ prefix: "drls-rest-" });
  const warehouse = `${folder}/warehouse`;
  await Deno.mkdir(warehouse);
  const home = `${PEERS_DIR}/rest_fixture`;
  const server = await startJava("java", {
    args: [
      "-cp",
      `${home}/classes:${home}/jars/*`,
      "RestFixture",
      warehouse,
      `${folder}/catalog.db`,
    ],
  });
  return {
    uri: server.url,
    warehouse,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Nessie over MinIO: short-lived credentials for each table, from the store's token service. */
export async function startNessie(): Promise<RestServer> {
  const store = await startS3Server("minio");
  const bucket = await store.createBucket();
  const { endpoint, region, credentials } = store.spec();
  const s3 = "nessie.catalog.service.s3.default-options";
  const properties = {
    "quarkus.http.host": "127.0.0.1",
    "quarkus.http.port": "0",
    "quarkus.management.host": "127.0.0.1",
    "quarkus.management.port": "0",
    "nessie.version.store.type": "IN_MEMORY",
    "nessie.server.authentication.enabled": "false",
    "nessie.catalog.default-warehouse": "main",
    "nessie.catalog.warehouses.main.location": `s3://${bucket}/main`,
    [`${s3}.endpoint`]: endpoint,
    [`${s3}.sts-endpoint`]: endpoint,
    [`${s3}.region`]: region,
    [`${s3}.path-style-access`]: "true",
    [`${s3}.auth-type`]: "STATIC",
    [`${s3}.access-key`]: "urn:nessie-secret:quarkus:drls.keys",
    "drls.keys.name": credentials?.accessKeyId,
    "drls.keys.secret": credentials?.secretAccessKey,
    [`${s3}.client-iam.enabled`]: "true",
    [`${s3}.client-iam.assume-role`]: "arn:aws:iam::123456789012:role/any",
  };
  const flags = Object.entries(properties).map(([key, value]) => `-D${key}=${value}`);
  const server = await startJava(await findJava(21), {
    args: ["-Xmx512m", ...flags, "-jar", findJar("nessie-quarkus")],
  });
  return {
    uri: `${server.url}/iceberg`,
    warehouse: "main",
    async [Symbol.asyncDispose]() {
      await server.stop();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Starts a Java program that prints `Listening on: <url>`. */
async function startJava(java: string, options: { readonly args: readonly string[] }) {
  const process = new Deno.Command(java, {
    args: [...options.args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => reject(new Error("Java server did not listen in time")),
    START_TIMEOUT_MS,
  );
  const reading = (async () => {
    let text = "";
    for await (const chunk of process.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const found = /Listening on: (http:\/\/[\w.:]+\d)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    }
    reject(new Error(`Java server ended: ${text.slice(-2000)}`));
  })();
  const stop = async () => {
    clearTimeout(timer);
    process.kill("SIGKILL");
    await Promise.all([process.status, reading]);
  };
  try {
    return { url: await url, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A Java runtime of at least this version: JAVA_HOME's, the one on PATH, or an installed one. */
async function findJava(version: number): Promise<string> {
  const home = Deno.env.get("JAVA_HOME");
  const candidates = [...(home === undefined ? [] : [`${home}/bin/java`]), "java"];
  for await (const entry of Deno.readDir("/usr/lib/jvm")) {
    if (entry.isDirectory) candidates.push(`/usr/lib/jvm/${entry.name}/bin/java`);
  }
  for (const candidate of candidates) {
    const found = await javaVersion(candidate);
    if (found !== null && found >= version) return candidate;
  }
  throw new Error(`Java ${version} or newer is neither on PATH nor in JAVA_HOME or /usr/lib/jvm`);
}

async function javaVersion(java: string): Promise<number | null> {
  try {
    const { stderr } = await new Deno.Command(java, { args: ["-version"] }).output();
    const version = /version "(\d+)/.exec(new TextDecoder().decode(stderr))?.[1];
    return version === undefined ? null : Number(version);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
