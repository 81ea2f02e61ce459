import assert from "node:assert/strict";
import { metadataFolderOf, watchMetadataFolder } from "../../../lib/pipelines/_folder_news.ts";

Deno.test("metadataFolderOf() knows local folders, whatever their locations look like", () => {
  for (const location of ["/lake/t/metadata/v1.metadata.json", "file:///lake/t/metadata/v1.json"]) {
    assert.equal(metadataFolderOf(location), "/lake/t/metadata");
  }
  for (const location of ["s3://lake/t/metadata/v1.json", "v1", ""]) {
    assert.equal(metadataFolderOf(location), null);
  }
});

Deno.test("watchMetadataFolder() tells of metadata files that have come or gone, and of nothing else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "drls-news-" });
  let news = Promise.withResolvers<void>();
  let told = 0;
  const watched = watchMetadataFolder(folder, () => {
    told++;
    news.resolve();
  });
  assert.ok(watched !== null);
  await Deno.writeTextFile(`${folder}/.v1.metadata.json`, "{}");
  await Deno.writeTextFile(`${folder}/snap-1.avro`, "");
  // Events come in order: those before would have been told already.
  await Deno.link(`${folder}/.v1.metadata.json`, `${folder}/v1.metadata.json`);
  await news.promise;
  assert.equal(told, 1);
  news = Promise.withResolvers<void>();
  await Deno.remove(`${folder}/v1.metadata.json`);
  await news.promise;
  watched.close();
  watched.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("watchMetadataFolder() is null where there is no folder", () => {
  assert.equal(watchMetadataFolder("/nowhere/to/be/found", () => {}), null);
});
