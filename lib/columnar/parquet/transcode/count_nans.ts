/** Counts NaN where decoded batches lie, in WebAssembly memory. */
import type { NestedField, Type } from "../../../iceberg/spec/types.ts";
import { getBit } from "../../arrow/bitmap.ts";
import { countLeaves } from "../write/collect_facts.ts";
import type { CArray } from "../wasm/c_data.ts";

/** Options of {@linkcode countNansInMemory}. */
export interface NanCountOptions {
  readonly memory: ArrayBuffer;
  readonly fields: readonly NestedField[];
}

/** Counts of the float leaves that no list or map is above, by place among all leaves. */
export function countNansInMemory(
  batches: readonly CArray[],
  { memory, fields }: NanCountOptions,
): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const batch of batches) {
    let leaf = 0;
    const visit = (type: Type, array: CArray, parents: readonly CArray[]) => {
      if (type.kind === "struct") {
        for (const [at, field] of type.fields.entries()) {
          visit(field.type, array.children[at]!, [...parents, array]);
        }
      } else if (type.kind === "list" || type.kind === "map") {
        leaf += countLeaves(type);
      } else {
        if (type.kind === "float" || type.kind === "double") {
          const size = type.kind === "float" ? 4 : 8;
          const count = countNans(memory, [...parents, array], size);
          counts.set(leaf, (counts.get(leaf) ?? 0) + count);
        }
        leaf++;
      }
    };
    for (const [at, field] of fields.entries()) visit(field.type, batch.children[at]!, []);
  }
  return counts;
}

/** `path` leads from the column to the leaf. */
function countNans(memory: ArrayBuffer, path: readonly CArray[], valueBytes: 4 | 8): number {
  const array = path.at(-1)!;
  const { length, offset, buffers } = array;
  const at = (buffers[1] ?? 0) + offset * valueBytes;
  const values = valueBytes === 4
    ? new Float32Array(memory, at, length)
    : new Float64Array(memory, at, length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    const value = values[row]!;
    // Only NaN differs from itself; what lies under a null is of no account.
    if (value !== value && path.every((part) => isPresent(memory, part, row))) count++;
  }
  return count;
}

function isPresent(memory: ArrayBuffer, { nullCount, offset, buffers }: CArray, row: number) {
  const [validity = 0] = buffers;
  return nullCount === 0 || validity === 0 ||
    getBit(new Uint8Array(memory, validity), offset + row);
}
