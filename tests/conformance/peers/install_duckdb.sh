#!/usr/bin/env bash
# DuckDB with what its results come out as.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
venv duckdb "duckdb==$DUCKDB_VERSION" "pyarrow==$PYARROW_VERSION"
