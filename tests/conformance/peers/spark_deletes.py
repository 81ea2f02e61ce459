"""Equality deletes as Iceberg's Java library writes them; Spark's SQL makes none."""


def equality_delete(spark, command: dict) -> list:
    """Deletes rows that equal the rows with some numbers in some columns; one file for each partition.

    The command is {"table": name, "equal": columns, "ids": numbers}. Files also hold the number and
    what the table is split by, which do not have to be equal. Resolves with how many rows each has.
    """
    jvm = spark._jvm
    iceberg = jvm.org.apache.iceberg
    table = iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, command["table"])
    table.refresh()
    spec, schema = table.spec(), table.schema()
    records = read(spark, table, command)
    if not records:
        return []
    held = iceberg.Schema(records[0].struct().fields())
    parts = split(jvm, records, spec, held)
    equal = array(spark, jvm.int, [schema.findField(name).fieldId() for name in command["equal"]])
    factory = iceberg.data.GenericAppenderFactory(schema, spec, equal, held, None)
    fmt = iceberg.FileFormat.PARQUET
    outputs = iceberg.io.OutputFileFactory.builderFor(table, 1, 1).format(fmt).build()
    change = table.newRowDelta()
    for key, part in parts:
        output = outputs.newOutputFile() if key is None else outputs.newOutputFile(key)
        writer = factory.newEqDeleteWriter(output, fmt, key)
        for record in part:
            writer.write(record)
        writer.close()
        change.addDeletes(writer.toDeleteFile())
    change.commit()
    return [len(part) for _, part in parts]


def read(spark, table, command: dict) -> list:
    """The rows to delete, as Java objects: their values never become Python's."""
    jvm = spark._jvm
    iceberg = jvm.org.apache.iceberg
    sources = [
        table.schema().findColumnName(field.sourceId())
        for field in table.spec().fields()
        if field.transform().toString() != "void"
    ]
    columns = list(dict.fromkeys(["id", *command["equal"], *sources]))
    wanted = getattr(iceberg.expressions.Expressions, "in")(
        "id", array(spark, jvm.java.lang.Object, command["ids"])
    )
    rows = (
        iceberg.data.IcebergGenerics.read(table)
        .where(wanted)
        .select(array(spark, jvm.java.lang.String, columns))
        .build()
    )
    found = []
    items = rows.iterator()
    while items.hasNext():
        found.append(items.next())
    rows.close()
    return found


def split(jvm, records: list, spec, schema) -> list:
    """Records by their partition, which is null where there are none."""
    if spec.isUnpartitioned():
        return [(None, records)]
    iceberg = jvm.org.apache.iceberg
    key = iceberg.PartitionKey(spec, schema)
    wrapper = iceberg.data.InternalRecordWrapper(schema.asStruct())
    parts = {}
    for record in records:
        key.partition(wrapper.wrap(record))
        parts.setdefault(key.toPath(), (key.copy(), []))[1].append(record)
    return list(parts.values())


def array(spark, kind, items: list):
    made = spark.sparkContext._gateway.new_array(kind, len(items))
    for at, item in enumerate(items):
        made[at] = item
    return made
