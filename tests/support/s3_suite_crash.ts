/** A real S3 server that is killed, restarted, or whose replies are lost on the way. */
import assert from "node:assert/strict";
import { S3FileIo } from "../../lib/storage/s3_file_io.ts";
import { FaultyProxy } from "./faulty_proxy.ts";
import { assertRejects, bytesOf, readText } from "./file_io_contract_subject.ts";
import { startS3Server } from "./s3_server.ts";
import { type S3SuiteOptions, s3Test } from "./s3_suite.ts";

const QUICK = { maxAttempts: 3, baseDelayMs: 10, maxDelayMs: 50, totalMs: 10_000 };
const PART_SIZE_BYTES = 5 * 2 ** 20;

/** Registers the crashes for one peer. */
export function registerS3CrashSuite(options: S3SuiteOptions): void {
  registerLostReplies(options);
  registerKills(options);
}

function registerLostReplies(options: S3SuiteOptions): void {
  s3Test(options, "resolves a create whose reply was lost", async (bed) => {
    await using proxy = await FaultyProxy.start(bed.server.port);
    const io = bed.open({ endpoint: proxy.origin }, { retry: QUICK });
    await io.createIfAbsent(`${bed.root}/first`, bytesOf("settles that If-None-Match is honoured"));

    proxy.planReplies("lose");
    await io.createIfAbsent(`${bed.root}/ours`, bytesOf("mine"));
    assert.equal(await readText(io, `${bed.root}/ours`), "mine");

    await bed.open().createIfAbsent(`${bed.root}/theirs`, bytesOf("rival"));
    proxy.planReplies("lose");
    await assertRejects(io.createIfAbsent(`${bed.root}/theirs`, bytesOf("mine")), {
      kind: "already_exists",
    });
    assert.equal(await readText(io, `${bed.root}/theirs`), "rival");
  });

  s3Test(options, "resolves an upload whose last reply was lost", async (bed) => {
    await using proxy = await FaultyProxy.start(bed.server.port);
    const io = bed.open({ endpoint: proxy.origin }, {
      retry: QUICK,
      partSizeBytes: PART_SIZE_BYTES,
    });
    const writer = await io.openWriter(`${bed.root}/large`);
    await writer.write(new Uint8Array(PART_SIZE_BYTES + 1));
    // The last part and the look at the key pass; the reply to the completion does not.
    proxy.planReplies("pass", "pass", "lose");
    await writer.close();
    assert.equal((await io.stat(`${bed.root}/large`))?.sizeBytes, PART_SIZE_BYTES + 1);
  });
}

function registerKills(options: S3SuiteOptions): void {
  s3Test(options, "reports a killed server, and nothing half-written is found", async () => {
    let server = await startS3Server(options.peer);
    try {
      const bucket = await server.createBucket();
      const io = new S3FileIo(server.spec(), { retry: QUICK, partSizeBytes: PART_SIZE_BYTES });
      await io.createIfAbsent(`s3://${bucket}/before`, bytesOf("kept"));
      const writer = await io.openWriter(`s3://${bucket}/large`);
      await writer.write(new Uint8Array(PART_SIZE_BYTES * 2 + 1));
      const racing = Promise.allSettled(Array.from(
        { length: 16 },
        (_, i) => io.createIfAbsent(`s3://${bucket}/${i}`, new Uint8Array(200_000).fill(i)),
      ));
      await server.kill();
      const outcomes = await racing;
      await assertRejects(writer.close(), { kind: "unavailable" });
      await assertRejects(io.read(`s3://${bucket}/before`), {
        kind: "unavailable",
        code: "storage_unreachable",
      });

      const { folder, port } = server;
      server = await startS3Server(options.peer, { folder, port });
      assert.equal(await readText(io, `s3://${bucket}/before`), "kept");
      assert.equal(await io.stat(`s3://${bucket}/large`), null);
      for (const [i, outcome] of outcomes.entries()) {
        const stat = await io.stat(`s3://${bucket}/${i}`);
        if (stat !== null) assert.equal(stat.sizeBytes, 200_000, "All of a file or none");
        if (outcome.status === "fulfilled") assert.notEqual(stat, null);
        else assert.match(outcome.reason.kind, /^(unavailable|commit_state_unknown)$/);
      }
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });

  s3Test(options, "rides out a restart", async () => {
    let server = await startS3Server(options.peer);
    try {
      const bucket = await server.createBucket();
      const io = new S3FileIo(server.spec(), {
        retry: { maxAttempts: 100, baseDelayMs: 20, maxDelayMs: 100, totalMs: 30_000 },
      });
      await io.createIfAbsent(`s3://${bucket}/first`, bytesOf("x"));
      const { folder, port } = server;
      await server.kill();
      const creating = io.createIfAbsent(`s3://${bucket}/f`, bytesOf("patient"));
      server = await startS3Server(options.peer, { folder, port });
      await creating;
      assert.equal(await readText(io, `s3://${bucket}/f`), "patient");
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
}
