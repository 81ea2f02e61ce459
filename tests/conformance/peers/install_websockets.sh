#!/usr/bin/env bash
# A WebSocket client that has nothing in common with the server's implementation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
venv websockets "websockets==$WEBSOCKETS_VERSION"
