/** UUIDs of version 7 (RFC 9562): they begin with their time, so that they sort by it. */

/** Any UUID, in lower case. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A new one: 48 bits of `nowMs`, then random ones. */
export function uuidV7(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(nowMs / 2 ** 32));
  view.setUint32(2, nowMs % 2 ** 32);
  view.setUint8(6, 0x70 | view.getUint8(6) & 0x0f);
  view.setUint8(8, 0x80 | view.getUint8(8) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}

/** Whether a text is a UUID as {@linkcode uuidV7} writes them. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
