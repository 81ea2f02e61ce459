#!/usr/bin/env bash
# Spark with Iceberg's runtime. Needs a Java 17 runtime and Maven.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
need_java 17
venv spark "pyspark==$PYSPARK_VERSION"
jar "org.apache.iceberg:$ICEBERG_SPARK_ARTIFACT:$ICEBERG_VERSION"
