/** Values on their way into a file: some come encoded already, and are copied as they are. */
import type { IcebergValue } from "../spec/types.ts";

/** The items of an array in Avro's encoding, blocks and end mark included. */
export class EncodedItems {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A value that can be written: in memory form, or with parts that are encoded already. */
export type WritableValue = IcebergValue | EncodedItems | readonly WritableValue[];
