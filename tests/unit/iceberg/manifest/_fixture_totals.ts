/**
 * What fastavro 1.13.1 (Python), which shares no code with drls, reads from each manifest and
 * manifest list among the fixtures: `fastavro.reader(open(path, "rb"))`, summed up.
 */

/**
 * Path, entries, deleted entries, rows, bytes of the files, sum of all `value_counts`, bytes of all
 * `upper_bounds`.
 */
export type ManifestTotals = readonly [string, number, number, number, number, number, number];

/** Path, manifests, added files, sum of manifest lengths, highest sequence number. */
export type ListTotals = readonly [string, number, number, number, number];

const MANIFESTS = `
add_columns_with_defaults/default.db/add_columns_with_defaults/metadata/0bb8c58e-4fbc-483f-af6d-0e2f896179a2-m0.avro 1 0 2 553 2 8
add_columns_with_defaults/default.db/add_columns_with_defaults/metadata/f1823874-113e-405c-b412-f75145620823-m0.avro 1 0 1 5561 15 90
column_mapping/warehouse/default.db/my_table/metadata/104fb5ef-95f5-4b94-88c9-b546cb3d9493-m0.avro 1 0 3 2729 33 23
equality_deletes/warehouse/mydb/mytable/metadata/34f7dec7-90c5-4cd5-b158-5782b73fc010-m0.avro 1 0 1 466 1 1
equality_deletes/warehouse/mydb/mytable/metadata/61648895-78fc-44d6-bf55-298a7614c4f8-m0.avro 1 0 1 466 1 1
equality_deletes/warehouse/mydb/mytable/metadata/8057d23a-ed01-40cb-bfd6-44b145234c6d-m0.avro 1 0 2 909 6 9
equality_deletes/warehouse/mydb/mytable/metadata/91bf4420-2bae-484f-b724-8184d56d3029-m0.avro 1 0 1 463 1 4
equality_deletes/warehouse/mydb/mytable/metadata/bcc5469e-83b4-4a41-be7e-af79ed029353-m0.avro 1 0 4 935 12 9
equality_deletes/warehouse/mydb/mytable/metadata/c4028cec-4266-45e9-bf74-77cbf1b55328-m0.avro 1 0 1 706 2 5
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/2b5d4ce3-154e-4498-a648-89be96ebd74a-m0.avro 4 0 4 3568 12 36
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/36f9b154-c2d2-411f-9f29-9d23d46d688b-m0.avro 1 0 1 695 2 5
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/b096df95-e029-4163-a7b4-762554ad0da9-m0.avro 1 0 1 466 1 1
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/ec04e9ce-e03b-4fbe-a707-3645c1938319-m0.avro 2 0 2 1783 6 18
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/ff275eec-b23b-435f-a6a5-1ab7ce1c8749-m0.avro 1 0 1 466 1 1
hive_partitioned_table/metadata/8f7c6cdd-f7e6-4743-857e-021adfe0b999-m0.avro 2 0 2 1876 6 37
hive_partitioned_table/metadata/fee93099-6425-4d83-bd7c-0aa646533090-m0.avro 4 0 4 3718 12 69
hyperparam/athena/example/metadata/3d82674b-df1e-49b5-a7a9-05b61567065a-m0.avro 1 0 2 345 4 7
hyperparam/java/bunnies/metadata/583a45a0-7389-4d71-9305-ac3a8725c38b-m0.avro 1 0 21 3407 0 0
hyperparam/java/bunnies/metadata/a01399a1-e864-4562-b921-c8cb56e6e4a9-m0.avro 1 0 1 2962 0 0
hyperparam/java/bunnies/metadata/a01399a1-e864-4562-b921-c8cb56e6e4a9-m1.avro 1 0 1 2529 9 11
hyperparam/java/bunnies/metadata/e1756967-c907-47e2-8b37-82123c5e5908-m0.avro 1 0 6 1376 0 24
hyperparam/spark/bunnies/metadata/91d5eea0-314d-4056-8818-59b825cbd38a-m0.avro 1 1 21 3224 168 51
hyperparam/spark/bunnies/metadata/91d5eea0-314d-4056-8818-59b825cbd38a-m1.avro 1 0 20 3560 180 55
hyperparam/spark/bunnies/metadata/ac75cc9f-cc0c-4712-8337-fe4b0c473459-m0.avro 1 0 1 1437 0 110
hyperparam/spark/bunnies/metadata/bbd21bb7-5974-4d4b-bd54-82fb9b0ed6bf-m0.avro 1 0 21 3224 168 51
hyperparam/spark/rename_column/metadata/abf62b15-903b-40b6-9e6b-26bcdceac9b3-m0.avro 3 0 4 4151 20 62
legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/cac6cfea-266f-44f8-9a3a-70dd8fb68014-m0.avro 1 0 3 928 6 14
legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/legacy-bare-deletion-vector-m0.avro 1 0 1 42 0 0
lineitem/lineitem_iceberg/metadata/179b4fb1-0366-4f7d-ad35-99ee8da0abf5-m0.avro 1 1 60175 1406875 962800 91
lineitem/lineitem_iceberg/metadata/179b4fb1-0366-4f7d-ad35-99ee8da0abf5-m1.avro 1 0 51793 1225526 828688 91
lineitem/lineitem_iceberg/metadata/787a5996-87e9-4d93-b258-066d524e82cc-m0.avro 1 0 60175 1406875 962800 91
lineitem/lineitem_iceberg_gz/metadata/23f9dbea-1e7f-4694-a82c-dc3c9a94953e-m0.avro 1 0 111968 2558520 1791488 76
map_stats/default.db/map_stats/metadata/8574bca8-244f-4667-965a-03a41a3e4e0e-m0.avro 1 0 1 2260 5 18
map_stats/default.db/map_stats/metadata/8ed9efb3-5eb4-4225-a66a-2b6b46cb4d32-m0.avro 1 0 1 2260 5 18
name_mapping/warehouse_1/mydb/t1/metadata/0acbcf27-b372-4bd0-929f-a5865a59f3dd-m0.avro 1 1 10000 29269 20000 12
name_mapping/warehouse_1/mydb/t1/metadata/0acbcf27-b372-4bd0-929f-a5865a59f3dd-m1.avro 1 0 10000 14514 20000 4
name_mapping/warehouse_1/mydb/t1/metadata/ac2759da-80ce-454e-8d99-566991744fd2-m0.avro 1 0 10000 29269 20000 12
null_stats/default/test_nulls/metadata/2aeec77d-bbe8-4b0a-8105-3093ce4ea02a-m0.avro 1 0 3 1535 0 13
null_stats/default/test_nulls/metadata/9a932c99-3823-49c8-b9a2-ccbb8959f8d9-m0.avro 1 0 3 1560 0 14
null_stats/default/test_nulls/metadata/c6e04a5f-6a7c-49e3-bb8b-cc0af0a46080-m0.avro 1 0 3 1560 0 14
partition_bigint/metadata/715c1cc2-5c99-4a8d-95b3-5b43e05ccc04-m0.avro 2 0 2 1938 6 45
partition_decimal_integer/metadata/701af831-4140-47e7-bd56-1a374428e380-m0.avro 3 0 3 2889 9 52
partition_timestamp/default.db/partition_timestamp/metadata/6b55fc2b-ce03-407e-9585-336c4675e611-m0.avro 2 0 2 2650 6 45
uuid/metadata/69f1c254-2a62-4b99-93db-aa35863e91ff-m0.avro 2 0 10 1102 10 32
`;

const LISTS = `
add_columns_with_defaults/default.db/add_columns_with_defaults/metadata/snap-1915606074736806848-0-f1823874-113e-405c-b412-f75145620823.avro 2 2 10675 2
add_columns_with_defaults/default.db/add_columns_with_defaults/metadata/snap-8904642012249016277-0-0bb8c58e-4fbc-483f-af6d-0e2f896179a2.avro 1 1 4267 1
column_mapping/warehouse/default.db/my_table/metadata/snap-6154553663017965981-0-104fb5ef-95f5-4b94-88c9-b546cb3d9493.avro 1 1 4857 1
equality_deletes/warehouse/mydb/mytable/metadata/snap-1584331123492059582-2-91bf4420-2bae-484f-b724-8184d56d3029.avro 3 3 21254 3
equality_deletes/warehouse/mydb/mytable/metadata/snap-1584331123492059582-3-91bf4420-2bae-484f-b724-8184d56d3029.avro 3 3 21254 4
equality_deletes/warehouse/mydb/mytable/metadata/snap-1916084761853986166-1-61648895-78fc-44d6-bf55-298a7614c4f8.avro 6 6 42518 6
equality_deletes/warehouse/mydb/mytable/metadata/snap-3340507003387467420-1-8057d23a-ed01-40cb-bfd6-44b145234c6d.avro 5 5 35445 5
equality_deletes/warehouse/mydb/mytable/metadata/snap-7342794868382145167-3-34f7dec7-90c5-4cd5-b158-5782b73fc010.avro 4 4 28329 4
equality_deletes/warehouse/mydb/mytable/metadata/snap-842401149381792626-2-c4028cec-4266-45e9-bf74-77cbf1b55328.avro 4 4 28340 4
equality_deletes/warehouse/mydb/mytable/metadata/snap-853766660775201079-1-bcc5469e-83b4-4a41-be7e-af79ed029353.avro 1 1 7104 1
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-3138177759849079112-1-ff275eec-b23b-435f-a6a5-1ab7ce1c8749.avro 5 9 36634 5
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-4416477559988274704-1-b096df95-e029-4163-a7b4-762554ad0da9.avro 2 5 14680 2
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-6022113614852838397-1-36f9b154-c2d2-411f-9f29-9d23d46d688b.avro 3 6 21985 3
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-6447922032991303611-1-2b5d4ce3-154e-4498-a648-89be96ebd74a.avro 1 4 7394 1
equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-883882341917253211-1-ec04e9ce-e03b-4fbe-a707-3645c1938319.avro 4 8 29346 4
hive_partitioned_table/metadata/snap-2541674261311761067-1-8f7c6cdd-f7e6-4743-857e-021adfe0b999.avro 1 2 7060 1
hive_partitioned_table/metadata/snap-5128628767169163501-1-fee93099-6425-4d83-bd7c-0aa646533090.avro 2 6 14425 2
hyperparam/athena/example/metadata/snap-6838723292707092922-1-3d82674b-df1e-49b5-a7a9-05b61567065a.avro 1 1 6702 1
hyperparam/java/bunnies/metadata/snap-4951213507629824583-1-583a45a0-7389-4d71-9305-ac3a8725c38b.avro 1 1 7349 1
hyperparam/java/bunnies/metadata/snap-6458828015811002920-1-e1756967-c907-47e2-8b37-82123c5e5908.avro 2 2 14802 2
hyperparam/java/bunnies/metadata/snap-9158179788527662767-1-a01399a1-e864-4562-b921-c8cb56e6e4a9.avro 4 4 29718 3
hyperparam/spark/bunnies/metadata/snap-2701171901096418979-1-91d5eea0-314d-4056-8818-59b825cbd38a.avro 3 2 21676 3
hyperparam/spark/bunnies/metadata/snap-469881615898633426-1-ac75cc9f-cc0c-4712-8337-fe4b0c473459.avro 2 2 14324 2
hyperparam/spark/bunnies/metadata/snap-7505300640432048841-1-bbd21bb7-5974-4d4b-bd54-82fb9b0ed6bf.avro 1 1 7208 1
hyperparam/spark/rename_column/metadata/snap-5276958600260276572-1-abf62b15-903b-40b6-9e6b-26bcdceac9b3.avro 1 3 7506 1
legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/snap-8314182234503896325-0-cac6cfea-266f-44f8-9a3a-70dd8fb68014.avro 1 1 4299 1
legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/snap-legacy-bare-deletion-vector.avro 2 2 9269 2
lineitem/lineitem_iceberg/metadata/snap-2354745328521181395-1-179b4fb1-0366-4f7d-ad35-99ee8da0abf5.avro 2 1 15725 2
lineitem/lineitem_iceberg/metadata/snap-7817332053627255703-1-787a5996-87e9-4d93-b258-066d524e82cc.avro 1 1 7867 1
lineitem/lineitem_iceberg_gz/metadata/snap-4468019210336628573-1-23f9dbea-1e7f-4694-a82c-dc3c9a94953e.avro 1 1 6953 0
map_stats/default.db/map_stats/metadata/snap-554549470069664013-0-8574bca8-244f-4667-965a-03a41a3e4e0e.avro 2 2 9527 2
map_stats/default.db/map_stats/metadata/snap-8792170059756986233-0-8ed9efb3-5eb4-4225-a66a-2b6b46cb4d32.avro 1 1 4764 1
name_mapping/warehouse_1/mydb/t1/metadata/snap-2651609110244230974-1-0acbcf27-b372-4bd0-929f-a5865a59f3dd.avro 2 1 11566 0
name_mapping/warehouse_1/mydb/t1/metadata/snap-6597550917742534971-1-ac2759da-80ce-454e-8d99-566991744fd2.avro 1 1 5790 0
null_stats/default/test_nulls/metadata/snap-250057325269371674-0-9a932c99-3823-49c8-b9a2-ccbb8959f8d9.avro 1 1 4429 1
null_stats/default/test_nulls/metadata/snap-4694394728259848547-0-2aeec77d-bbe8-4b0a-8105-3093ce4ea02a.avro 3 3 13285 3
null_stats/default/test_nulls/metadata/snap-9136741709133330043-0-c6e04a5f-6a7c-49e3-bb8b-cc0af0a46080.avro 2 2 8858 2
partition_bigint/metadata/snap-1919487672997309926-1-715c1cc2-5c99-4a8d-95b3-5b43e05ccc04.avro 1 2 7054 1
partition_decimal_integer/metadata/snap-2266524373707409896-1-701af831-4140-47e7-bd56-1a374428e380.avro 1 3 7202 1
partition_timestamp/default.db/partition_timestamp/metadata/snap-2508913168551256223-0-6b55fc2b-ce03-407e-9585-336c4675e611.avro 1 2 5006 1
uuid/metadata/snap-3974286791591741252-1-69f1c254-2a62-4b99-93db-aa35863e91ff.avro 1 2 7050 1
`;

function parse<Row>(
  table: string,
  toRow: (path: string, numbers: number[]) => Row,
): readonly Row[] {
  return table.trim().split("\n").map((line) => {
    const [path = "", ...numbers] = line.split(" ");
    return toRow(path, numbers.map(Number));
  });
}

/** Every manifest. */
export const MANIFEST_TOTALS: readonly ManifestTotals[] = parse(
  MANIFESTS,
  (path, [a = NaN, b = NaN, c = NaN, d = NaN, e = NaN, f = NaN]) => [path, a, b, c, d, e, f],
);

/** Every manifest list. */
export const LIST_TOTALS: readonly ListTotals[] = parse(
  LISTS,
  (path, [a = NaN, b = NaN, c = NaN, d = NaN]) => [path, a, b, c, d],
);
