/** What the contract suites share: the store under test, and how failures are recognised. */
import assert from "node:assert/strict";
import type { FileIo } from "../../lib/iceberg/ports.ts";
import { AppError, type ErrorKind } from "../../lib/errors.ts";

/** A store to test, with an empty folder of its own. */
export interface FileIoSubject extends AsyncDisposable {
  readonly io: FileIo;
  /** Location of an empty folder, without a slash at its end. */
  readonly root: string;
}

/** One store's registration. */
export interface FileIoContractOptions {
  /** Opens every test's name. */
  readonly name: string;
  open(): Promise<FileIoSubject>;
  /** A location that the store must refuse as `forbidden`; null where nothing is out of bounds. */
  readonly outside: string | null;
  /** How many times the property tests run. */
  readonly propertyRuns: number;
  /** Why the suite cannot run here; it is then shown as ignored. */
  readonly skip?: string | null;
}

/** Registers one test of the contract. */
export function contractTest(
  options: FileIoContractOptions,
  fact: string,
  body: (subject: FileIoSubject) => Promise<void>,
): void {
  const skip = options.skip ?? null;
  Deno.test({
    name: `${options.name} ${fact}${skip === null ? "" : ` (skipped: ${skip})`}`,
    ignore: skip !== null,
    async fn() {
      await using subject = await options.open();
      await body(subject);
    },
  });
}

/** Asserts that a promise rejects with an `AppError` of this kind and code; returns it. */
export async function assertRejects(
  promise: Promise<unknown>,
  expected: { readonly kind: ErrorKind; readonly code?: string },
): Promise<AppError> {
  const error = await promise.then(
    () => assert.fail(`Resolved, expected a rejection of kind "${expected.kind}"`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, `Not an AppError: ${Deno.inspect(error)}`);
  assert.equal(error.kind, expected.kind, Deno.inspect(error));
  if (expected.code !== undefined) assert.equal(error.code, expected.code);
  assert.doesNotMatch(error.message, /[.]$/, "A message has no final period");
  return error;
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of a file. */
export async function readText(io: FileIo, location: string): Promise<string> {
  return new TextDecoder().decode(await io.read(location));
}
