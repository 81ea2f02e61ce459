/**
 * What every `FileIo` must do, as tests. Each store registers the same suite, so that a test on the
 * store in memory says something about the real ones.
 */
import { registerCreateContract } from "./file_io_contract_create.ts";
import { registerListContract } from "./file_io_contract_list.ts";
import { registerNameContract } from "./file_io_contract_names.ts";
import { registerReadContract } from "./file_io_contract_read.ts";
import { registerWriterContract } from "./file_io_contract_writer.ts";
import type { FileIoContractOptions } from "./file_io_contract_subject.ts";

/** Registers the whole contract for one store. */
export function registerFileIoContract(options: FileIoContractOptions): void {
  registerReadContract(options);
  registerCreateContract(options);
  registerWriterContract(options);
  registerListContract(options);
  registerNameContract(options);
}
