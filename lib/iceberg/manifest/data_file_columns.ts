/** The columns of `data_file` and `manifest_entry` per format version, with their values. */
import type { WritableValue } from "../avro/encoded_items.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";
import type { IcebergValue, StructType } from "../spec/types.ts";
import {
  type AvroJson,
  type AvroJsonField,
  type FieldDefinition,
  listOf,
  mapOf,
  optionalField,
  requiredField,
  tupleOf,
} from "./avro_schema_json.ts";
import type { DataFile, ManifestEntry } from "./data_file.ts";
import { DATA_FILE_FIELD as ID, ENTRY_FIELD } from "./field_ids.ts";
import { MetricMap } from "./metric_map.ts";

/** A column of a record that is written, with the value that goes into it. */
export interface WriteColumn<T> {
  readonly field: AvroJsonField;
  readonly value: (source: T) => WritableValue;
}

/** v1 readers of old want a block size; this is the value that the Java implementation writes. */
const BLOCK_SIZE_IN_BYTES = 64 * 1024 * 1024;
const CONTENT_CODES = { data: 0, position_deletes: 1, equality_deletes: 2 } as const;
const STATUS_CODES = { existing: 0, added: 1, deleted: 2 } as const;

/** The columns of `manifest_entry` but `data_file`, which follows them. */
export function entryColumns(formatVersion: FormatVersion): readonly WriteColumn<ManifestEntry>[] {
  const { status, snapshotId, sequenceNumber, fileSequenceNumber } = ENTRY_FIELD;
  return [
    column(
      requiredField({ id: status, name: "status", type: "int" }),
      (entry: ManifestEntry) => STATUS_CODES[entry.status],
    ),
    column(
      optionalField({ id: snapshotId, name: "snapshot_id", type: "long" }),
      (entry) => entry.snapshotId,
    ),
    ...formatVersion === 1 ? [] : [
      column(
        optionalField({ id: sequenceNumber, name: "sequence_number", type: "long" }),
        (entry: ManifestEntry) => entry.sequenceNumber,
      ),
      column(
        optionalField({ id: fileSequenceNumber, name: "file_sequence_number", type: "long" }),
        (entry: ManifestEntry) => entry.fileSequenceNumber,
      ),
    ],
  ];
}

/** The columns of `data_file`, in the order of the Java implementation. */
export function dataFileColumns(
  formatVersion: FormatVersion,
  partitionType: StructType,
): readonly WriteColumn<DataFile>[] {
  const since2 = (columns: WriteColumn<DataFile>[]) => formatVersion >= 2 ? columns : [];
  const since3 = (columns: WriteColumn<DataFile>[]) => formatVersion >= 3 ? columns : [];
  return [
    ...since2([column(requiredField(CONTENT), (file) => CONTENT_CODES[file.content])]),
    column(requiredField(FILE_PATH), (file) => file.filePath),
    column(requiredField(FILE_FORMAT), (file) => file.fileFormat.toUpperCase()),
    column(requiredField(partitionField(partitionType)), (file) => file.partition),
    column(requiredField(RECORD_COUNT), (file) => file.recordCount),
    column(requiredField(FILE_SIZE), (file) => file.fileSizeInBytes),
    ...formatVersion === 1 ? [column(requiredField(BLOCK_SIZE), () => BLOCK_SIZE_IN_BYTES)] : [],
    column(optionalField(COLUMN_SIZES), (file) => pairs(file.columnSizes)),
    column(optionalField(VALUE_COUNTS), (file) => pairs(file.valueCounts)),
    column(optionalField(NULL_VALUE_COUNTS), (file) => pairs(file.nullValueCounts)),
    column(optionalField(NAN_VALUE_COUNTS), (file) => pairs(file.nanValueCounts)),
    column(optionalField(LOWER_BOUNDS), (file) => pairs(file.lowerBounds)),
    column(optionalField(UPPER_BOUNDS), (file) => pairs(file.upperBounds)),
    column(optionalField(KEY_METADATA), (file) => file.keyMetadata),
    column(optionalField(SPLIT_OFFSETS), (file) => file.splitOffsets),
    ...since2([column(optionalField(EQUALITY_IDS), (file) => file.equalityIds)]),
    column(optionalField(SORT_ORDER_ID), (file) => file.sortOrderId),
    ...since3([column(optionalField(FIRST_ROW_ID), (file) => file.firstRowId)]),
    ...since2([column(optionalField(REFERENCED_DATA_FILE), (file) => file.referencedDataFile)]),
    ...since3([
      column(optionalField(CONTENT_OFFSET), (file) => file.contentOffset),
      column(optionalField(CONTENT_SIZE), (file) => file.contentSizeInBytes),
    ]),
  ];
}

function column<T>(field: AvroJsonField, value: (source: T) => WritableValue): WriteColumn<T> {
  return { field, value };
}

function pairs<V extends IcebergValue>(map: ReadonlyMap<number, V> | null): WritableValue {
  if (map === null) return null;
  // Most entries that are written have been read: to decode and encode their metrics costs most.
  return map instanceof MetricMap ? map.encoded() ?? [...map] : [...map];
}

function define(id: number, name: string, rest: { type: AvroJson; doc: string }): FieldDefinition {
  return { id, name, ...rest };
}

function partitionField(partitionType: StructType): FieldDefinition {
  return define(ID.partition, "partition", {
    type: tupleOf(partitionType),
    doc: "Partition data tuple, schema based on the partition spec",
  });
}

const CONTENT = define(ID.content, "content", {
  type: "int",
  doc: "Contents of the file: 0=data, 1=position deletes, 2=equality deletes",
});
const FILE_PATH = define(ID.filePath, "file_path", {
  type: "string",
  doc: "Location URI with FS scheme",
});
const FILE_FORMAT = define(ID.fileFormat, "file_format", {
  type: "string",
  doc: "File format name: avro, orc, or parquet",
});
const RECORD_COUNT = define(ID.recordCount, "record_count", {
  type: "long",
  doc: "Number of records in the file",
});
const FILE_SIZE = define(ID.fileSizeInBytes, "file_size_in_bytes", {
  type: "long",
  doc: "Total file size in bytes",
});
const BLOCK_SIZE: FieldDefinition = {
  id: ID.blockSizeInBytes,
  name: "block_size_in_bytes",
  type: "long",
};
const COLUMN_SIZES = define(ID.columnSizes, "column_sizes", {
  type: mapOf(117, 118, "long"),
  doc: "Map of column id to total size on disk",
});
const VALUE_COUNTS = define(ID.valueCounts, "value_counts", {
  type: mapOf(119, 120, "long"),
  doc: "Map of column id to total count, including null and NaN",
});
const NULL_VALUE_COUNTS = define(ID.nullValueCounts, "null_value_counts", {
  type: mapOf(121, 122, "long"),
  doc: "Map of column id to null value count",
});
const NAN_VALUE_COUNTS = define(ID.nanValueCounts, "nan_value_counts", {
  type: mapOf(138, 139, "long"),
  doc: "Map of column id to number of NaN values in the column",
});
const LOWER_BOUNDS = define(ID.lowerBounds, "lower_bounds", {
  type: mapOf(126, 127, "bytes"),
  doc: "Map of column id to lower bound",
});
const UPPER_BOUNDS = define(ID.upperBounds, "upper_bounds", {
  type: mapOf(129, 130, "bytes"),
  doc: "Map of column id to upper bound",
});
const KEY_METADATA = define(ID.keyMetadata, "key_metadata", {
  type: "bytes",
  doc: "Encryption key metadata blob",
});
const SPLIT_OFFSETS = define(ID.splitOffsets, "split_offsets", {
  type: listOf(133, "long"),
  doc: "Splittable offsets",
});
const EQUALITY_IDS = define(ID.equalityIds, "equality_ids", {
  type: listOf(136, "int"),
  doc: "Equality comparison field IDs",
});
const SORT_ORDER_ID = define(ID.sortOrderId, "sort_order_id", {
  type: "int",
  doc: "Sort order ID",
});
const FIRST_ROW_ID = define(ID.firstRowId, "first_row_id", {
  type: "long",
  doc: "The first row ID assigned to the first row in the data file",
});
const REFERENCED_DATA_FILE = define(ID.referencedDataFile, "referenced_data_file", {
  type: "string",
  doc: "Fully qualified location (URI with FS scheme) of a data file that all deletes reference",
});
const CONTENT_OFFSET = define(ID.contentOffset, "content_offset", {
  type: "long",
  doc: "The offset in the file where the content starts",
});
const CONTENT_SIZE = define(ID.contentSizeInBytes, "content_size_in_bytes", {
  type: "long",
  doc: "The length of referenced content stored in the file",
});
