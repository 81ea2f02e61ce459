/**
 * Cuts an Arrow IPC stream between its messages, so that batches can be read in several isolates at
 * once: each block begins with the schema and the dictionaries that its batches need.
 */
import { Message } from "apache-arrow";
import { AppError } from "../../errors.ts";

/** Largest message of a stream, in bytes: one batch, or one dictionary. */
export const MAX_ARROW_MESSAGE_BYTES = 256 * 1024 * 1024;
/** Bytes of all dictionaries together: every block carries them along. */
export const MAX_ARROW_DICTIONARY_BYTES = 64 * 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const CONTINUATION = 0xffff_ffff;
const FILE_MAGIC = "ARROW1";

/** Some batches of a stream. */
export interface ArrowBlock {
  /** A stream of its own, without its end mark; the bytes have their memory for themselves. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Rows before its first. */
  readonly firstRow: number;
  readonly rows: number;
}

/** Blocks in order. A stream without batches has one, without rows: its columns are looked at. */
export async function* arrowBlocks(
  input: ReadableStream<Uint8Array>,
  { blockBytes }: { readonly blockBytes: number },
): AsyncGenerator<ArrowBlock> {
  const source = new ByteSource(input);
  const block = new BlockBuilder();
  for (;;) {
    const message = await readMessage(source);
    if (message === null) break;
    block.add(message);
    if (block.bytes >= blockBytes) yield block.take();
  }
  if (!await source.isAtEnd()) throw malformed("bytes come after the end of its stream");
  if (block.rows > 0 || !block.hasGiven) yield block.take();
}

interface RawMessage {
  readonly kind: "schema" | "dictionary" | "batch";
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Of a dictionary, and whether it adds to the one before. */
  readonly dictionary: { readonly id: string; readonly isDelta: boolean } | null;
}

class BlockBuilder {
  #schema: Uint8Array | null = null;
  readonly #dictionaries = new Map<string, Uint8Array[]>();
  #parts: Uint8Array[] = [];
  #firstRow = 0;
  rows = 0;
  bytes = 0;
  /** Whether there was a block before. */
  hasGiven = false;

  add({ kind, bytes, rows, dictionary }: RawMessage): void {
    if ((kind === "schema") !== (this.#schema === null)) {
      throw malformed("its schema is not its first message, or not its only one");
    }
    if (kind === "schema") this.#schema = bytes;
    if (dictionary !== null) this.#keep(dictionary.id, bytes, dictionary.isDelta);
    this.#parts.push(bytes);
    this.bytes += bytes.length;
    this.rows += rows;
  }

  take(): ArrowBlock {
    if (this.#schema === null) throw malformed("it has no schema");
    const block = { bytes: join(this.#parts), firstRow: this.#firstRow, rows: this.rows };
    this.#parts = [this.#schema, ...[...this.#dictionaries.values()].flat()];
    this.#firstRow += this.rows;
    this.rows = this.bytes = 0;
    this.hasGiven = true;
    return block;
  }

  #keep(id: string, bytes: Uint8Array, isDelta: boolean): void {
    const before = isDelta ? this.#dictionaries.get(id) ?? [] : [];
    this.#dictionaries.set(id, [...before, bytes]);
    const total = [...this.#dictionaries.values()].flat().reduce((sum, one) => sum + one.length, 0);
    if (total > MAX_ARROW_DICTIONARY_BYTES) {
      throw tooLarge(`its dictionaries take more than ${MAX_ARROW_DICTIONARY_BYTES} bytes`);
    }
  }
}

/** The next message; null at the end mark. */
async function readMessage(source: ByteSource): Promise<RawMessage | null> {
  let prefix = await source.take(4);
  if (prefix === null) throw malformed("it breaks off before the mark of its end");
  if (viewOf(prefix).getUint32(0, true) === CONTINUATION) {
    prefix = joinTwo(prefix, await source.take(4));
  } else if (new TextDecoder().decode(prefix) === FILE_MAGIC.slice(0, 4)) {
    throw malformed("it is an Arrow file; send a stream");
  }
  const headerBytes = viewOf(prefix).getInt32(prefix.length - 4, true);
  if (headerBytes === 0) return null;
  if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES) throw malformed("a message has no length");
  const header = await source.take(headerBytes);
  if (header === null) throw brokenOff();
  const message = decodeHeader(header);
  const { bodyLength } = message;
  if (!(bodyLength >= 0)) throw malformed("a message has no length");
  if (bodyLength > MAX_ARROW_MESSAGE_BYTES) {
    throw tooLarge(`a batch takes more than ${MAX_ARROW_MESSAGE_BYTES} bytes; send smaller ones`);
  }
  const body = await source.take(bodyLength);
  if (body === null) throw brokenOff();
  return { ...describe(message), bytes: join([prefix, header, body]) };
}

function decodeHeader(bytes: Uint8Array): Message {
  try {
    return Message.decode(bytes);
  } catch (cause) {
    throw malformed("a message cannot be read", cause);
  }
}

function describe(message: Message): Omit<RawMessage, "bytes"> {
  if (message.isSchema()) return { kind: "schema", rows: 0, dictionary: null };
  if (message.isDictionaryBatch()) {
    const { id, isDelta, data } = message.header();
    requirePlain(data);
    return { kind: "dictionary", rows: 0, dictionary: { id: String(id), isDelta } };
  }
  if (!message.isRecordBatch()) throw malformed("a message is neither schema nor batch");
  const header = message.header();
  requirePlain(header);
  return { kind: "batch", rows: header.length, dictionary: null };
}

function requirePlain({ compression }: { readonly compression?: unknown }): void {
  if (compression === null || compression === undefined) return;
  const message = "Cannot append: the batches of the stream are compressed; send them " +
    "uncompressed, or as Parquet. Nothing was appended";
  throw new AppError("unsupported", "arrow_compressed", message);
}

/** Reads exact numbers of bytes from a stream. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(input: ReadableStream<Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]();
  }

  /** Null at the end; breaks off where there are some bytes, but too few. */
  async take(length: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0;) {
      if (this.#rest.length === 0 && !await this.#more()) {
        if (parts.length === 0) return null;
        throw brokenOff();
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    const [only, ...others] = parts;
    return only !== undefined && others.length === 0 ? only : join(parts);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !await this.#more();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done !== true) this.#rest = value;
    return done !== true;
  }
}

function joinTwo(first: Uint8Array, second: Uint8Array | null): Uint8Array {
  if (second === null) throw brokenOff();
  return join([first, second]);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function brokenOff(): AppError {
  return malformed("it breaks off in the middle of a message");
}

function tooLarge(problem: string): AppError {
  const message = `Cannot append: ${problem}. Nothing was appended`;
  return new AppError("too_large", "arrow_message_too_large", message);
}

/** Kind `malformed`, code `arrow_malformed`. */
export function malformed(problem: string, cause?: unknown): AppError {
  const message =
    `Cannot append: the body is no Arrow IPC stream: ${problem}. Nothing was appended`;
  return new AppError("malformed", "arrow_malformed", message, { cause });
}
