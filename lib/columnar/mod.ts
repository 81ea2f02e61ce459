/** Columnar data's door, for isolates only: Arrow, Parquet, and tables read and written as rows. */
export { BatchBuilder } from "./arrow/column_builder.ts";
export { type ValueReader, valueReader } from "./arrow/value_reader.ts";
