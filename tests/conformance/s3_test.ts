/** The S3 store against real servers that verify every signature. */
import { missingPeer, type S3Peer } from "../support/s3_server.ts";
import { registerS3ContractSuite } from "../support/s3_suite_contract.ts";
import { registerS3CrashSuite } from "../support/s3_suite_crash.ts";
import { registerS3RefusalSuite } from "../support/s3_suite_refusal.ts";
import { registerS3RaceSuite } from "../support/s3_suite_race.ts";
import { registerS3UploadSuite } from "../support/s3_suite_upload.ts";

// versitygw is installed with the peers; MinIO is a second opinion for those who have it.
const PEERS: readonly S3Peer[] = ["versitygw", "minio"];

for (const peer of PEERS) {
  const skip = missingPeer(peer);
  if (skip !== null) console.warn(`tests/conformance/s3_test.ts: SKIPPED, ${skip}`);
  for (
    const register of [
      registerS3ContractSuite,
      registerS3RaceSuite,
      registerS3UploadSuite,
      registerS3RefusalSuite,
      registerS3CrashSuite,
    ]
  ) register({ peer, skip });
}
