/** The contract of every store, and what listings of many pages add to it, on a real S3 server. */
import assert from "node:assert/strict";
import { registerFileIoContract } from "./file_io_contract.ts";
import { bytesOf, readText } from "./file_io_contract_subject.ts";
import { VIRTUAL_DOMAIN } from "./s3_server.ts";
import { openTestBed, type S3SuiteOptions, s3Test } from "./s3_suite.ts";

/** Registers the contract for one peer. */
export function registerS3ContractSuite(options: S3SuiteOptions): void {
  registerFileIoContract({
    name: `S3FileIo on ${options.peer}`,
    skip: options.skip,
    async open() {
      const bed = await openTestBed(options.peer);
      return {
        io: bed.open({ roots: [bed.root] }),
        root: bed.root,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    outside: "s3://another-bucket/root/file",
    propertyRuns: 40,
  });

  s3Test(options, "takes s3, s3a and s3n as one scheme", async (bed) => {
    const io = bed.open({ roots: [`s3a://${bed.bucket}`] });
    await io.createIfAbsent(`s3a://${bed.bucket}/t/f`, bytesOf("one"));
    assert.equal(await readText(io, `s3n://${bed.bucket}/t/f`), "one");
    assert.equal((await io.stat(`s3://${bed.bucket}/t/f`))?.location, `s3://${bed.bucket}/t/f`);
  });

  s3Test(options, "addresses buckets as hosts", async (bed) => {
    // The server stands in as its own HTTP proxy, since no name server knows the host.
    using client = Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${bed.server.port}` } });
    const hosts = new Set<string>();
    const io = bed.open({ endpoint: `http://${VIRTUAL_DOMAIN}`, pathStyle: false }, {
      fetch: (url, init) => {
        hosts.add(new URL(String(url)).host);
        return fetch(url, { ...init, client });
      },
    });
    const location = `${bed.root}/ts=09%3A15/a +b`;
    await io.createIfAbsent(location, bytesOf("by host"));
    assert.equal(await readText(bed.open(), location), "by host");
    assert.deepEqual(await io.listFolder(bed.root), [{ name: "ts=09%3A15", kind: "folder" }]);
    assert.deepEqual([...hosts], [`${bed.bucket}.${VIRTUAL_DOMAIN}`]);
  });

  s3Test(options, "lists over many pages", async (bed) => {
    const io = bed.open();
    const names = Array.from({ length: 1_203 }, (_, i) => `part ${i}+=%`);
    await inBatches(names, 32, (name) => io.put(`${bed.root}/t/${name}/f`, bytesOf(name)));
    const folders = await io.listFolder(`${bed.root}/t`);
    assert.deepEqual(folders, [...names].sort().map((name) => ({ name, kind: "folder" })));
    const files = await Array.fromAsync(io.listRecursive(`${bed.root}`));
    assert.equal(new Set(files.map((file) => file.location)).size, names.length);
    assert.ok(files.every((file) => file.location.startsWith(`${bed.root}/t/part `)));
  });

  s3Test(options, "lists a whole bucket", async (bed) => {
    const io = bed.open();
    await io.put(`s3://${bed.bucket}/a/b`, bytesOf("x"));
    await io.put(`s3://${bed.bucket}/c`, bytesOf("x"));
    assert.deepEqual(await io.listFolder(`s3://${bed.bucket}`), [
      { name: "a", kind: "folder" },
      { name: "c", kind: "file" },
    ]);
    const files = await Array.fromAsync(io.listRecursive(`s3://${bed.bucket}/`));
    assert.deepEqual(
      files.map((file) => file.location).sort(),
      [`s3://${bed.bucket}/a/b`, `s3://${bed.bucket}/c`],
    );
  });
}

/** Runs `work` over items, a bounded number at a time. */
export async function inBatches<T>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += size) {
    await Promise.all(items.slice(start, start + size).map(work));
  }
}
