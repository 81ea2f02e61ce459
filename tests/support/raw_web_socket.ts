/**
 * A WebSocket client down to its frames (RFC 6455), for what well-behaved ones cannot be made to do:
 * not to read, not to answer a ping, to send what is too much or not allowed.
 */

/** A frame from the server. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** Opcodes (RFC 6455, 11.8). */
export const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Sixteen zero bytes: keys need not be secret. */
const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";
const READ_BYTES = 65_536;

/** What a server answered to a handshake. */
export interface HandshakeAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Of a refusal. */
  readonly body: string;
  readonly socket: RawWebSocket;
}

/** Options of {@linkcode shakeHands}. */
export interface HandshakeOptions {
  readonly port: number;
  /** With its query. */
  readonly path: string;
  /** Besides those of a handshake, or instead of them; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** Sends a handshake and reads the answer's head; of a refusal the body, too. */
export async function shakeHands(options: HandshakeOptions): Promise<HandshakeAnswer> {
  const { port, path, headers = {} } = options;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const all = {
    host: `127.0.0.1:${port}`,
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`]
  );
  const request = [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
  const socket = new RawWebSocket(connection);
  await socket.write(new TextEncoder().encode(request));
  const head = (await socket.readLines()).split("\r\n");
  const answered = new Headers(
    head.slice(1).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const length = Number(answered.get("content-length") ?? "0");
  const body = new TextDecoder().decode(await socket.read(length) ?? new Uint8Array());
  return { status: Number(head[0]?.split(" ")[1]), headers: answered, body, socket };
}

/** A connection whose bytes are at hand. */
export class RawWebSocket {
  /** For those who read frames themselves, once the handshake is over. */
  readonly connection: Deno.TcpConn;
  #unread = new Uint8Array();

  constructor(connection: Deno.TcpConn) {
    this.connection = connection;
  }

  /** All bytes, or an error where the server has had enough. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) {
      at += await this.connection.write(bytes.subarray(at));
    }
  }

  /** Sends one whole message, masked as a client has to. */
  async send(opcode: number, payload: Uint8Array): Promise<void> {
    await this.write(frame(opcode, payload));
  }

  /** The next frame; null at the end. */
  async next(): Promise<Frame | null> {
    const head = await this.read(2);
    if (head === null) return null;
    const [first = 0, second = 0] = head;
    let length = second & 0x7f;
    if (length >= 126) {
      const bytes = await this.read(length === 126 ? 2 : 8);
      if (bytes === null) return null;
      length = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    }
    const payload = await this.read(length);
    return payload === null ? null : { opcode: first & 0x0f, payload };
  }

  /** Frames up to the end, or up to the first for which `last` holds. */
  async until(last: (frame: Frame) => boolean): Promise<readonly Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame === null) return frames;
      frames.push(frame);
      if (last(frame)) return frames;
    }
  }

  /** Up to and without the empty line. */
  async readLines(): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#unread);
      const end = text.indexOf("\r\n\r\n");
      if (end !== -1) {
        this.#unread = this.#unread.slice(end + 4);
        return text.slice(0, end);
      }
      if (!await this.#fill()) throw new Error(`The server ended within its head: ${text}`);
    }
  }

  /** So many bytes; null where the server ends before. */
  async read(length: number): Promise<Uint8Array | null> {
    while (this.#unread.byteLength < length) {
      if (!await this.#fill()) return null;
    }
    const bytes = this.#unread.slice(0, length);
    this.#unread = this.#unread.slice(length);
    return bytes;
  }

  /** Ends the connection without a word. */
  [Symbol.dispose](): void {
    this.connection.close();
  }

  async #fill(): Promise<boolean> {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await this.connection.read(buffer).catch((error) => {
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    });
    if (count === null) return false;
    const joined = new Uint8Array(this.#unread.byteLength + count);
    joined.set(this.#unread);
    joined.set(buffer.subarray(0, count), this.#unread.byteLength);
    this.#unread = joined;
    return true;
  }
}

/** A frame as a client sends it; `claimedBytes` says another length than the payload has. */
export function frame(
  opcode: number,
  payload: Uint8Array,
  { masked = true, claimedBytes = payload.byteLength }: {
    readonly masked?: boolean;
    readonly claimedBytes?: number;
  } = {},
): Uint8Array {
  const head = new DataView(new ArrayBuffer(10));
  head.setUint8(0, 0x80 | opcode);
  const mask = masked ? 0x80 : 0;
  let headBytes = 2;
  if (claimedBytes < 126) {
    head.setUint8(1, mask | claimedBytes);
  } else if (claimedBytes < 65_536) {
    head.setUint8(1, mask | 126);
    head.setUint16(2, claimedBytes);
    headBytes = 4;
  } else {
    head.setUint8(1, mask | 127);
    head.setBigUint64(2, BigInt(claimedBytes));
    headBytes = 10;
  }
  // A mask of zeros changes nothing.
  const keyBytes = masked ? 4 : 0;
  const bytes = new Uint8Array(headBytes + keyBytes + payload.byteLength);
  bytes.set(new Uint8Array(head.buffer, 0, headBytes));
  bytes.set(payload, headBytes + keyBytes);
  return bytes;
}

/** Code and reason of a close frame. */
export function closeOf({ payload }: Frame): { readonly code: number; readonly reason: string } {
  const [high = 0, low = 0] = payload;
  return { code: high * 256 + low, reason: new TextDecoder().decode(payload.subarray(2)) };
}
