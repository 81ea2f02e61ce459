import { LocalFileIo } from "../../../lib/storage/local_file_io.ts";
import { registerFileIoContract } from "../../support/file_io_contract.ts";

registerFileIoContract({
  name: "LocalFileIo",
  async open() {
    const root = await Deno.makeTempDir();
    return {
      io: new LocalFileIo({ kind: "local", roots: [root] }),
      root,
      [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
    };
  },
  outside: "/etc/hostname",
  propertyRuns: 100,
});
