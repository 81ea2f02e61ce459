/** Builds Avro bytes by hand, so that tests of readers do not lean on our own writers. */

/** Bytes one after another; numbers are single bytes. */
export function concat(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));
}

/** A zig-zag varint. */
export function long(value: number | bigint): Uint8Array {
  const wide = BigInt(value);
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** Text, or bytes, with the length in front. */
export function sized(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return concat(long(bytes.length), bytes);
}

/** The sync marker of {@linkcode container}. */
export const SYNC: Uint8Array = new Uint8Array(16).fill(7);

/** A container file of blocks whose data is given as it shall be stored. */
export function container(
  schema: unknown,
  blocks: readonly { readonly count: number | bigint; readonly data: Uint8Array }[],
  options: { readonly codec?: string; readonly metadata?: Readonly<Record<string, string>> } = {},
): Uint8Array {
  const metadata = Object.entries({
    "avro.schema": typeof schema === "string" ? schema : JSON.stringify(schema),
    ...(options.codec === undefined ? {} : { "avro.codec": options.codec }),
    ...options.metadata,
  });
  return concat(
    new TextEncoder().encode("Obj"),
    1,
    long(metadata.length),
    ...metadata.flatMap(([key, value]) => [sized(key), sized(value)]),
    0,
    SYNC,
    ...blocks.flatMap(({ count, data }) => [long(count), sized(data), SYNC]),
  );
}
