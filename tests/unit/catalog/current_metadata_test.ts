import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { findCurrentMetadata } from "../../../lib/catalog/_current_metadata.ts";
import { MemoryFileIo } from "../../../lib/storage/memory_file_io.ts";

const FOLDER = "s3://lake/wh/db/t";

async function storeWith(files: Readonly<Record<string, string | Uint8Array>>) {
  const io = new MemoryFileIo();
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await io.put(`${FOLDER}/metadata/${name}`, bytes);
  }
  return io;
}

async function current(files: Readonly<Record<string, string | Uint8Array>>) {
  const location = await findCurrentMetadata(await storeWith(files), FOLDER);
  return location === null ? null : location.slice(`${FOLDER}/metadata/`.length);
}

const upTo = (last: number, first = 1) =>
  Object.fromEntries(
    Array.from({ length: last - first + 1 }, (_, i) => [`v${first + i}.metadata.json`, "{}"]),
  );

Deno.test("findCurrentMetadata() believes a hint that is right", async () => {
  strictEqual(await current({ ...upTo(4), "version-hint.text": "4" }), "v4.metadata.json");
});

Deno.test("findCurrentMetadata() probes forward from a stale hint", async () => {
  strictEqual(await current({ ...upTo(4), "version-hint.text": "3" }), "v4.metadata.json");
  strictEqual(await current({ ...upTo(90), "version-hint.text": "1" }), "v90.metadata.json");
});

Deno.test("findCurrentMetadata() finds the same file behind every staleness of the hint", async () => {
  for (let hint = 1; hint <= 40; hint++) {
    const files = { ...upTo(40), "version-hint.text": String(hint) };
    strictEqual(await current(files), "v40.metadata.json", `hint ${hint}`);
  }
});

Deno.test("findCurrentMetadata() lists the folder behind a hint further back than it probes", async () => {
  const files = { ...upTo(1100), "version-hint.text": "1" };
  strictEqual(await current(files), "v1100.metadata.json");
});

Deno.test("findCurrentMetadata() lists where the hint runs ahead, is garbage, huge or missing", async () => {
  for (const hint of ["9", "garbage", "", "-1", "x".repeat(5000), "99999999999999999999"]) {
    strictEqual(await current({ ...upTo(4), "version-hint.text": hint }), "v4.metadata.json");
  }
  strictEqual(await current(upTo(4)), "v4.metadata.json");
});

Deno.test("findCurrentMetadata() lists where the hint points at an expired version", async () => {
  const files = { ...upTo(8, 5), "version-hint.text": "2" };
  strictEqual(await current(files), "v8.metadata.json");
});

Deno.test("findCurrentMetadata() finds gzipped versions in both spellings", async () => {
  const hint = { "version-hint.text": "1" };
  const modern = { "v1.gz.metadata.json": "", "v2.gz.metadata.json": "" };
  const old = { "v1.metadata.json.gz": "", "v2.metadata.json.gz": "" };
  strictEqual(await current({ ...modern, ...hint }), "v2.gz.metadata.json");
  strictEqual(await current({ ...old, ...hint }), "v2.metadata.json.gz");
  strictEqual(await current(modern), "v2.gz.metadata.json");
});

Deno.test("findCurrentMetadata() follows a change of compression between versions", async () => {
  const files = { "v1.metadata.json": "", "v2.gz.metadata.json": "", "v3.metadata.json.gz": "" };
  strictEqual(await current({ ...files, "version-hint.text": "1" }), "v3.metadata.json.gz");
});

Deno.test("findCurrentMetadata() lists behind a stem, whose successor's name cannot be guessed", async () => {
  const files = { "00000-a.metadata.json": "", "00001-b.metadata.json": "" };
  strictEqual(await current({ ...files, "version-hint.text": "00000-a" }), "00001-b.metadata.json");
  strictEqual(await current({ ...files, "version-hint.text": "1" }), "00001-b.metadata.json");
});

Deno.test("findCurrentMetadata() lets the hint decide a tie", async () => {
  const files = {
    "00001-a.metadata.json": '{"last-updated-ms": 9}',
    "00001-b.metadata.json": '{"last-updated-ms": 1}',
  };
  const hint = { "version-hint.text": "00001-b" };
  strictEqual(await current({ ...files, ...hint }), "00001-b.metadata.json");
});

Deno.test("findCurrentMetadata() decides a tie by last-updated-ms, then by name", async () => {
  const zipped = gzipSync('{"last-updated-ms" : 30}');
  const files = {
    "00001-a.metadata.json": '{"last-updated-ms": 20}',
    "00001-b.gz.metadata.json": zipped,
    "00001-c.metadata.json": '{"last-updated-ms": 10}',
  };
  strictEqual(await current(files), "00001-b.gz.metadata.json");
  const equal = { "00001-a.metadata.json": "{}", "00001-b.metadata.json": "broken" };
  strictEqual(await current(equal), "00001-b.metadata.json");
});

Deno.test("findCurrentMetadata() is not fooled by last-updated-ms inside a property's text", async () => {
  const files = {
    "00001-a.metadata.json": '{"properties":{"x":"\\"last-updated-ms\\": 99"},"last-updated-ms":1}',
    "00001-b.metadata.json": '{"last-updated-ms":2}',
  };
  strictEqual(await current(files), "00001-b.metadata.json");
});

Deno.test("findCurrentMetadata() ignores files that break off while being unzipped", async () => {
  const broken = gzipSync('{"last-updated-ms": 99}').slice(0, 12);
  const files = {
    "00001-z.gz.metadata.json": broken,
    "00001-a.metadata.json": '{"last-updated-ms":1}',
  };
  strictEqual(await current(files), "00001-a.metadata.json");
});

Deno.test("findCurrentMetadata() lets side copies and uncommitted files never win", async () => {
  const files = {
    ...upTo(7),
    "v9.1.metadata.json": "",
    "12345678-1c96-4376-ad16-91beb71d0759.metadata.json": "",
  };
  strictEqual(await current(files), "v7.metadata.json");
});

Deno.test("findCurrentMetadata() is null where there is no metadata file", async () => {
  strictEqual(await current({}), null);
  strictEqual(await current({ "version-hint.text": "3", "snap-1.avro": "" }), null);
});

Deno.test("findCurrentMetadata() never lists behind a good hint", async () => {
  const io = await storeWith({ ...upTo(4), "version-hint.text": "3" });
  await findCurrentMetadata(io, FOLDER);
  const listings = io.calls.filter((call) => call.operation === "listFolder");
  deepStrictEqual(listings, []);
});
