#!/usr/bin/env bash
# Nessie, a server of the Iceberg REST catalog protocol. Needs a Java 21 runtime and Maven.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
need_java 21
jar "org.projectnessie.nessie:nessie-quarkus:$NESSIE_VERSION:jar:runner"
