#!/usr/bin/env bash
# Nessie, a server of the Iceberg REST catalog protocol. Needs a Java 17 runtime and Maven.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
need java
jar "org.projectnessie.nessie:nessie-quarkus:$NESSIE_VERSION:jar:runner"
