/** A process that writes a large file for ever: to be killed by the test that started it. */
import { LocalFileIo } from "../../../lib/storage/local_file_io.ts";

const [root = "", location = ""] = Deno.args;
const io = new LocalFileIo({ kind: "local", roots: [root] });
const writer = await io.openWriter(location);
for (let megabytes = 1;; megabytes++) {
  await writer.write(new Uint8Array(2 ** 20));
  if (megabytes === 3) console.log("writing");
  await new Promise((resolve) => setTimeout(resolve, 5));
}
