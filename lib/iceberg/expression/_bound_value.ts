/** Bounds as manifests store them, decoded for comparison. */
import { AppError } from "../../errors.ts";
import { isPrimitive, type Type } from "../spec/types.ts";
import { decodeValue } from "../spec/values.ts";
import type { ScalarValue } from "./bound.ts";

/**
 * Decodes one bound. Undefined where there is none, and where its bytes are no value of the type:
 * writers have cut strings inside a character, and such a bound bounds nothing.
 */
export function boundValue(
  type: Type,
  bytes: Uint8Array | null | undefined,
): ScalarValue | undefined {
  if (bytes === null || bytes === undefined || !isPrimitive(type)) return undefined;
  try {
    return asScalar(decodeValue(type, bytes));
  } catch (error) {
    if (error instanceof AppError && error.kind === "corrupt_data") return undefined;
    throw error;
  }
}

function asScalar(value: ReturnType<typeof decodeValue>): ScalarValue | undefined {
  return value === null || isNested(value) ? undefined : value;
}

function isNested(value: ReturnType<typeof decodeValue>): value is readonly (typeof value)[] {
  return Array.isArray(value);
}
