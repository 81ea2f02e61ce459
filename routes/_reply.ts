/** Successful answers. */

/** A JSON answer with its length, which the access log shows. */
export function jsonReply(
  body: unknown,
  options: { readonly status?: number; readonly headers?: HeadersInit } = {},
): Response {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const headers = new Headers(options.headers);
  headers.set("content-type", "application/json");
  headers.set("content-length", String(bytes.byteLength));
  return new Response(bytes, { status: options.status ?? 200, headers });
}

/** An answer without a body. */
export function emptyReply(headers: HeadersInit = {}): Response {
  return new Response(null, { status: 204, headers });
}
