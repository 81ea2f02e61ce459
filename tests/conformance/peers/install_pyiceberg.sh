#!/usr/bin/env bash
# PyIceberg with what its SqlCatalog, REST catalog, transforms and S3 access need.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
venv pyiceberg \
  "pyiceberg[sql-sqlite,pyarrow,s3fs,pyiceberg-core]==$PYICEBERG_VERSION"
