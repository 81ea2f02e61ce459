/** Random damage to the files of real tables; the same seed damages the same way. */
import fc from "fast-check";
import { decompressBlock } from "../../../lib/iceberg/avro/codec.ts";
import {
  AVRO_MAGIC,
  openContainer,
  SYNC_MARKER_BYTES,
} from "../../../lib/iceberg/avro/container.ts";
import { AvroCursor } from "../../../lib/iceberg/avro/cursor.ts";
import { parseJson } from "../../../lib/json.ts";
import { long, sized } from "../avro_bytes.ts";
import { joined } from "./avro_files.ts";
import { printRaw, raw } from "./table_folder.ts";

/** One way to damage a file. */
export type Damage =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "flip"; readonly bits: readonly number[] }
  | {
    readonly kind: "splice";
    readonly at: number;
    readonly bytes: Uint8Array;
    readonly insert: boolean;
  }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "swap"; readonly with: number }
  | { readonly kind: "drop" }
  | { readonly kind: "value"; readonly at: number; readonly value: number };

/** Which file of a table, and how. `plain` damages what a compressed Avro file unpacks to. */
export interface FileDamage {
  readonly file: number;
  readonly plain: boolean;
  readonly damage: Damage;
}

/** Values that fit no field, or only just. */
const VALUES: readonly unknown[] = [
  null,
  true,
  "",
  "x".repeat(100_000),
  [],
  {},
  [null],
  -1,
  0,
  1,
  raw("1e400"),
  raw("1.5"),
  raw("-0"),
  2 ** 31,
  raw("9007199254740993"),
  raw("9223372036854775807"),
  raw("-9223372036854775808"),
  raw("9223372036854775808"),
  raw(`${"[".repeat(300)}${"]".repeat(300)}`),
  "../../../../../../etc/passwd",
  "/passwd",
  "file:///dev/zero",
  "s3://bucket/key",
  "\u0000",
  "__proto__",
  "decimal(99, 99)",
  "bucket[0]",
  "truncate[9999999999]",
  "day",
  "void",
  "struct",
];

const PATCHES = [2n ** 40n, -(2n ** 40n), 2n ** 62n, -1n, 2n ** 31n, 0n, 2n ** 20n].map(long);

const place = fc.nat(2 ** 30);

/** Damage of any kind. */
export const anyDamage: fc.Arbitrary<readonly FileDamage[]> = fc.array(
  fc.record({
    file: fc.nat(1_000),
    plain: fc.boolean(),
    damage: fc.oneof(
      fc.record({ kind: fc.constant("cut" as const), at: place }),
      fc.record({
        kind: fc.constant("flip" as const),
        bits: fc.array(place, { minLength: 1, maxLength: 4 }),
      }),
      fc.record({
        kind: fc.constant("splice" as const),
        at: place,
        insert: fc.boolean(),
        bytes: fc.oneof(
          fc.constantFrom(...PATCHES),
          fc.uint8Array({ minLength: 1, maxLength: 24 }),
        ),
      }),
      fc.record({ kind: fc.constant("repeat" as const), at: place, length: fc.nat(4_096) }),
      fc.record({ kind: fc.constant("swap" as const), with: fc.nat(1_000) }),
      fc.record({ kind: fc.constant("drop" as const) }),
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("value" as const),
          at: place,
          value: fc.nat(VALUES.length - 1),
        }),
      },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Damages the table at `folder`. Data files are never read, so only its metadata is. */
export async function damageTable(folder: string, damages: readonly FileDamage[]): Promise<void> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${folder}/metadata`)) {
    if (entry.isFile) files.push(`${folder}/metadata/${entry.name}`);
  }
  files.sort();
  for (const { file, plain, damage } of damages) {
    const path = files[file % files.length] ?? "";
    if (damage.kind === "drop") {
      await Deno.writeFile(path, new Uint8Array());
      continue;
    }
    if (damage.kind === "swap") {
      await Deno.writeFile(path, await Deno.readFile(files[damage.with % files.length] ?? ""));
      continue;
    }
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, damaged(plain ? unpacked(bytes) : bytes, damage));
  }
}

function damaged(
  bytes: Uint8Array,
  damage: Exclude<Damage, { kind: "drop" | "swap" }>,
): Uint8Array {
  const at = (position: number) => bytes.length === 0 ? 0 : position % bytes.length;
  switch (damage.kind) {
    case "cut":
      return bytes.subarray(0, at(damage.at));
    case "flip": {
      const copy = bytes.slice();
      for (const bit of damage.bits) {
        if (copy.length > 0) copy[at(bit >>> 3)]! ^= 1 << (bit & 7);
      }
      return copy;
    }
    case "splice": {
      const start = at(damage.at);
      const end = start + (damage.insert ? 0 : damage.bytes.length);
      return joined([bytes.subarray(0, start), damage.bytes, bytes.subarray(end)]);
    }
    case "repeat": {
      const start = at(damage.at);
      const part = bytes.subarray(start, start + damage.length);
      return joined([bytes.subarray(0, start), part, part, part, bytes.subarray(start)]);
    }
    case "value":
      return withValue(bytes, damage);
  }
}

/** Puts a value that does not belong there into a JSON document, or into the schema of an Avro file. */
function withValue(
  bytes: Uint8Array,
  damage: { readonly at: number; readonly value: number },
): Uint8Array {
  if (AVRO_MAGIC.every((byte, i) => bytes[i] === byte)) return withHeaderValue(bytes, damage);
  try {
    return new TextEncoder().encode(changed(new TextDecoder().decode(bytes), damage));
  } catch {
    return bytes.subarray(1); // Damaged before: it is no JSON any more.
  }
}

function withHeaderValue(
  bytes: Uint8Array,
  damage: { readonly at: number; readonly value: number },
): Uint8Array {
  try {
    const { metadata, blocksStart } = openContainer(bytes, { location: "" });
    const names = [...metadata.keys()].sort();
    const chosen = names[damage.at % names.length];
    const entries = [...metadata].map(([key, value]) => {
      const text = new TextDecoder().decode(value);
      return [key, key === chosen ? changedText(text, damage) : text] as const;
    });
    return joined([
      AVRO_MAGIC,
      long(entries.length),
      ...entries.flatMap(([key, value]) => [sized(key), sized(value)]),
      long(0),
      bytes.subarray(blocksStart - SYNC_MARKER_BYTES),
    ]);
  } catch {
    return bytes.subarray(1);
  }
}

function changedText(
  text: string,
  damage: { readonly at: number; readonly value: number },
): string {
  return /^[[{]/.test(text) ? changed(text, damage) : String(VALUES[damage.value]);
}

function changed(text: string, damage: { readonly at: number; readonly value: number }): string {
  const document: unknown = structuredClone(parseJson(text));
  const slots: (() => void)[] = [];
  const value = VALUES[damage.value];
  const visit = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    const members = node as Record<string, unknown>;
    for (const key of Object.keys(members)) {
      slots.push(() => members[key] = value);
      slots.push(() => Array.isArray(members) ? members.push(members[key]) : delete members[key]);
      visit(members[key]);
    }
  };
  visit(document);
  slots[damage.at % slots.length]?.();
  return printRaw(document);
}

/** An Avro file with its blocks decompressed, so that damage meets the decoder and not the codec. */
function unpacked(bytes: Uint8Array): Uint8Array {
  try {
    const { codec, metadata, sync, blocksStart } = openContainer(bytes, { location: "" });
    if (codec === "null") return bytes;
    const parts: Uint8Array[] = [];
    const cursor = new AvroCursor("");
    for (let at = blocksStart; at < bytes.length;) {
      cursor.reset(bytes, at, bytes.length);
      const count = cursor.readSafeLong();
      const size = cursor.readLength();
      const data = bytes.subarray(cursor.pos, cursor.pos + size);
      parts.push(long(count), sized(decompressBlock(codec, data, { location: "" })), sync);
      at = cursor.pos + size + SYNC_MARKER_BYTES;
    }
    const entries = [...metadata].map(([key, value]) =>
      [key, key === "avro.codec" ? new TextEncoder().encode("null") : value] as const
    );
    return joined([
      AVRO_MAGIC,
      long(entries.length),
      ...entries.flatMap(([key, value]) => [sized(key), sized(value)]),
      long(0),
      sync,
      ...parts,
    ]);
  } catch {
    return bytes; // No Avro file, or damaged before.
  }
}
