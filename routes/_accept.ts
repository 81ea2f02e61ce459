/** Which of several forms of an answer a client wants, by its `Accept`. */
import { AppError } from "../lib/errors.ts";

/** Longest header that is looked at; browsers send some 200 characters. */
const MAX_ACCEPT_CHARS = 2_000;

/**
 * The name of the offered media type that the client likes best; between equals, the first offered. No
 * header accepts anything. `not_acceptable` where none will do.
 */
export function chooseMediaType<K extends string>(
  request: Request,
  offers: Readonly<Record<K, string>>,
): K {
  const ranges = parseAccept(request.headers.get("accept") ?? "*/*");
  let best: { readonly name: K; readonly quality: number } | null = null;
  for (const name of Object.keys(offers) as K[]) {
    const quality = qualityOf(offers[name], ranges);
    if (quality > (best?.quality ?? 0)) best = { name, quality };
  }
  if (best !== null) return best.name;
  const wanted = Object.values<string>(offers).map((type) => `"${type}"`).join(", ");
  const message = `Cannot answer in the form that is asked for: expected Accept to name ${wanted}`;
  throw new AppError("not_acceptable", "not_acceptable", message);
}

interface AcceptedRange {
  readonly type: string;
  readonly quality: number;
}

function parseAccept(header: string): readonly AcceptedRange[] {
  return header.slice(0, MAX_ACCEPT_CHARS).split(",").map((part) => {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const quality = given === undefined ? 1 : Number(given);
    return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
  });
}

/** The most specific range that covers the type counts (RFC 9110, 12.5.1); 0 where none does. */
function qualityOf(type: string, ranges: readonly AcceptedRange[]): number {
  const group = `${type.slice(0, type.indexOf("/"))}/*`;
  for (const range of [type, group, "*/*"]) {
    const found = ranges.find((one) => one.type === range);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
