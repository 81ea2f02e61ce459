/** Reading tables in the isolate at hand. A door of its own, so that the main isolate need not load it. */
export { createDirectReader, type DirectReader, type DirectReaderDeps } from "./direct_reader.ts";
