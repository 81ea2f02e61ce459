/** Rivals on a real S3 server: of any number that create one object, exactly one wins. */
import assert from "node:assert/strict";
import { bytesOf, readText } from "./file_io_contract_subject.ts";
import { type S3SuiteOptions, s3Test } from "./s3_suite.ts";

/** Registers the races for one peer. */
export function registerS3RaceSuite(options: S3SuiteOptions): void {
  s3Test(options, "lets exactly one of 50 creators win, in each of 8 races", async (bed) => {
    // A store each, as in 50 processes: no state in common.
    const stores = Array.from({ length: 50 }, () => bed.open());
    for (let race = 0; race < 8; race++) {
      const location = `${bed.root}/metadata/v${race}.metadata.json`;
      const results = await Promise.allSettled(
        stores.map((io, i) => io.createIfAbsent(location, bytesOf(`race ${race} rival ${i}`))),
      );
      const winners = results.flatMap((r, i) => r.status === "fulfilled" ? [i] : []);
      assert.equal(winners.length, 1, Deno.inspect(results));
      assert.equal(await readText(bed.open(), location), `race ${race} rival ${winners[0]}`);
      for (const result of results) {
        if (result.status === "rejected") assert.equal(result.reason.kind, "already_exists");
      }
    }
    const left = await Array.fromAsync(bed.open().listRecursive(bed.root));
    assert.equal(left.length, 8, "Only the winners' files remain");
  });

  s3Test(options, "lets exactly one of 6 multipart writers win", async (bed) => {
    const stores = Array.from({ length: 6 }, () => bed.open({}, { partSizeBytes: 5 * 2 ** 20 }));
    const location = `${bed.root}/data/race.parquet`;
    const writers = await Promise.all(stores.map((io) => io.openWriter(location)));
    const size = 6 * 2 ** 20;
    for (const [i, writer] of writers.entries()) await writer.write(new Uint8Array(size).fill(i));
    const results = await Promise.allSettled(writers.map((writer) => writer.close()));
    const winners = results.flatMap((r, i) => r.status === "fulfilled" ? [i] : []);
    assert.equal(winners.length, 1, Deno.inspect(results));
    const bytes = await bed.open().read(location);
    assert.equal(bytes.length, size);
    assert.ok(bytes.every((byte) => byte === winners[0]));
  });
}
