import assert from "node:assert/strict";
import type { TableLocation } from "../../../lib/catalog/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { pause, SourceWatch, stateKey } from "../../../lib/pipelines/_source_watch.ts";

const never = new AbortController().signal;

function locationOf(metadataLocation: string): TableLocation {
  return {
    kind: "file",
    identifier: { namespace: ["db"], name: "events" },
    metadataLocation,
    storage: { local: null, s3: null },
    foundAt: null,
  };
}

function restLocation(response: string): TableLocation {
  return {
    ...locationOf(""),
    kind: "rest",
    response: new TextEncoder().encode(response),
    // deno-lint-ignore no-explicit-any -- only what tells states apart is looked at
  } as any;
}

/** Tables that change when told to, and how often each was looked at. */
class Tables {
  readonly looks = new Map<string, number>();
  readonly signals = new Set<AbortSignal>();
  readonly #keys = new Map<string, string | Error>();
  #onLook: () => void = () => {};

  set(table: string, key: string | Error): void {
    this.#keys.set(table, key);
  }

  /** Resolves when a table has been looked at so often. */
  async looked(table: string, times: number): Promise<void> {
    while ((this.looks.get(table) ?? 0) < times) {
      await new Promise<void>((resolve) => this.#onLook = resolve);
    }
  }

  readonly locate = (table: string, signal: AbortSignal): Promise<TableLocation> => {
    this.looks.set(table, (this.looks.get(table) ?? 0) + 1);
    this.signals.add(signal);
    this.#onLook();
    const key = this.#keys.get(table) ?? "v1";
    return key instanceof Error ? Promise.reject(key) : Promise.resolve(locationOf(key));
  };
}

Deno.test("changed() resolves when the table is another one, and the looks end with it", async () => {
  const tables = new Tables();
  const watch = new SourceWatch(tables.locate);
  const changed = watch.changed("db.a", "v1", never);
  await tables.looked("db.a", 2);
  tables.set("db.a", "v2");
  await changed;
  assert([...tables.signals].every(({ aborted }) => aborted));
  await watch.changed("db.a", "v1", never);
});

Deno.test("changed() shares looks among those who wait for one table", async () => {
  const tables = new Tables();
  const watch = new SourceWatch(tables.locate);
  const all = Array.from({ length: 20 }, () => watch.changed("db.a", "v1", never));
  const other = watch.changed("db.b", "v1", never);
  await tables.looked("db.a", 3);
  assert((tables.looks.get("db.a") ?? 0) < 10);
  tables.set("db.a", "v2");
  tables.set("db.b", "v2");
  await Promise.all([...all, other]);
});

Deno.test("changed() tells all who wait of a failure, and looks again for who comes after", async () => {
  const tables = new Tables();
  const watch = new SourceWatch(tables.locate);
  tables.set("db.a", new AppError("unavailable", "away", "Cannot reach it"));
  const all = [watch.changed("db.a", "v1", never), watch.changed("db.a", "v1", never)];
  for (const one of all) await assert.rejects(one, { code: "away" });
  tables.set("db.a", "v2");
  await watch.changed("db.a", "v1", never);
});

Deno.test("changed() ends for who leaves, and goes on for who stays", async () => {
  const tables = new Tables();
  const watch = new SourceWatch(tables.locate);
  const leaving = new AbortController();
  const left = watch.changed("db.a", "v1", leaving.signal);
  const stays = watch.changed("db.a", "v1", never);
  await tables.looked("db.a", 1);
  leaving.abort();
  await left;
  const looks = tables.looks.get("db.a") ?? 0;
  await tables.looked("db.a", looks + 1);
  tables.set("db.a", "v2");
  await stays;
  await watch.changed("db.a", "v1", leaving.signal);
});

Deno.test("changed() looks at once when the system tells of a metadata file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "drls-watch-" });
  const tables = new Tables();
  const [first, second] = [`${folder}/v1.metadata.json`, `${folder}/v2.metadata.json`];
  tables.set("db.a", first);
  const hour = { minMs: 3_600_000, maxMs: 3_600_000, quietShare: 1 };
  const watch = new SourceWatch(tables.locate, { told: hour, file: hour, rest: hour });
  const changed = watch.changed("db.a", first, never);
  await tables.looked("db.a", 1);
  tables.set("db.a", second);
  await Deno.writeTextFile(`${folder}/.hidden`, "{}");
  await Deno.link(`${folder}/.hidden`, second);
  await changed;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stateKey() tells a rest catalog's states apart by the name of the document", () => {
  const response = (token: string) =>
    `{"config":{"token":"${token}"},"metadata-location" : "s3://lake/a\\"b/3.json","metadata":{}}`;
  const keys = ["one", "two"].map((token) => stateKey(restLocation(response(token))));
  assert.deepEqual(keys, ['s3://lake/a\\"b/3.json', 's3://lake/a\\"b/3.json']);
  assert.throws(() => stateKey(restLocation("{}")), { code: "metadata_location_missing" });
});

Deno.test("pause() ends early when its signal fires, and at once when it has", async () => {
  const ending = new AbortController();
  const paused = pause(3_600_000, ending.signal);
  ending.abort();
  await paused;
  await pause(3_600_000, ending.signal);
  await pause(1, never);
});
