#!/usr/bin/env bash
# The REST catalog server of the Iceberg project's own tests. Needs a Java 17 compiler and Maven.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
need javac
need mvn
target="$peers/rest_fixture"
wanted="$(cat "$peers_source/versions.env" "$peers_source"/rest_fixture/*)"
if [[ -f "$target/.installed" && "$(cat "$target/.installed")" == "$wanted" ]]; then
  echo "install: rest_fixture is there"
  exit
fi
rm -rf "$target"
mkdir -p "$target/jars"
mvn --batch-mode --quiet -f "$peers_source/rest_fixture/pom.xml" \
  org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DoutputDirectory="$target/jars" \
  -Diceberg.version="$ICEBERG_VERSION" -Dhadoop.version="$HADOOP_VERSION" \
  -Djetty.version="$JETTY_VERSION" -Dsqlite.version="$SQLITE_JDBC_VERSION" \
  -Dslf4j.version="$SLF4J_VERSION"
javac -cp "$target/jars/*" -d "$target/classes" "$peers_source/rest_fixture/RestFixture.java"
echo "$wanted" >"$target/.installed"
echo "install: rest_fixture installed"
