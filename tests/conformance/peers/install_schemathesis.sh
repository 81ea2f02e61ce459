#!/usr/bin/env bash
# Schemathesis, which fuzzes the server by its OpenAPI document.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
venv schemathesis "schemathesis==$SCHEMATHESIS_VERSION"
