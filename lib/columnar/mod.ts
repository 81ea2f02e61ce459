/** Columnar data's door, for isolates only: Arrow, Parquet, and tables read and written as rows. */
export { type ValueReader, valueReader } from "./arrow/value_reader.ts";
