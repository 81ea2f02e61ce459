/** Request bodies, read within a bound and only as what they say they are. */
import { AppError } from "../lib/errors.ts";

/** Parses the JSON body of a request; `maxBytes` bounds what is read of it. */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  requireJson(request);
  const bytes = await readBytes(request, maxBytes);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text);
  } catch (cause) {
    // The parser's text quotes the body, which may hold secrets: it stays in the log.
    throw new AppError("malformed", "malformed_json", "Cannot parse the body: it is not JSON", {
      cause,
    });
  }
}

/** Passes if the body says that it is one of `expected`, whatever the parameters. */
export function requireMediaType(request: Request, expected: readonly string[]): void {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== null && expected.includes(mediaType)) return;
  throw unsupportedMediaType(mediaType, expected);
}

/** `Content-Type` without its parameters, in lower case; null where there is none. */
export function mediaTypeOf(request: Request): string | null {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? null;
}

function requireJson(request: Request): void {
  const mediaType = mediaTypeOf(request);
  if (mediaType === "application/json") return;
  if (mediaType !== null && /^application\/[\w.-]+\+json$/.test(mediaType)) return;
  throw unsupportedMediaType(mediaType, ["application/json"]);
}

function unsupportedMediaType(got: string | null, expected: readonly string[]): AppError {
  const wanted = expected.map((one) => `"${one}"`).join(" or ");
  const shown = got === null ? "none" : `"${got.slice(0, 100)}"`;
  const message = `Cannot read the body: expected Content-Type ${wanted}, got ${shown}`;
  return new AppError("unsupported_media_type", "unsupported_media_type", message);
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(request)) {
    // A chunked body announces nothing, so it is counted as it comes.
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** The body as it comes; where it breaks off, the client or the server went away: no fault of ours. */
async function* chunksOf(request: Request): AsyncIterable<Uint8Array> {
  if (request.body === null) return;
  try {
    yield* request.body;
  } catch (cause) {
    const message = "Cannot read the body: it broke off";
    throw new AppError("cancelled", "body_broke_off", message, { cause });
  }
}

function tooLarge(maxBytes: number): AppError {
  const message = `Cannot read the body: expected at most ${maxBytes} bytes`;
  return new AppError("too_large", "body_too_large", message);
}
