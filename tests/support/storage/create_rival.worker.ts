/** A rival in an isolate of its own: on "go", creates one file and tells how that ended. */
import { AppError } from "../../../lib/errors.ts";
import { LocalFileIo } from "../../../lib/storage/local_file_io.ts";

/** What a rival is told. */
export interface RivalOrder {
  readonly root: string;
  readonly location: string;
  readonly names: readonly string[];
}

const scope = globalThis as typeof globalThis & {
  onmessage: (event: MessageEvent<RivalOrder>) => Promise<void>;
  postMessage(outcomes: readonly string[]): void;
};

scope.onmessage = async (event: MessageEvent<RivalOrder>) => {
  const { root, location, names } = event.data;
  const io = new LocalFileIo({ kind: "local", roots: [root] });
  const outcomes = await Promise.all(names.map(async (name) => {
    try {
      await io.createIfAbsent(location, new TextEncoder().encode(name));
      return name;
    } catch (error) {
      return error instanceof AppError ? error.kind : String(error);
    }
  }));
  scope.postMessage(outcomes);
};
