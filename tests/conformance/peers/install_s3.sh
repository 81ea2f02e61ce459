#!/usr/bin/env bash
# An S3-compatible server that verifies signatures and honours If-None-Match. DRLS_PEERS_MINIO=1
# adds MinIO, a second opinion whose build takes some minutes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"

# go_binary <name> <package> <version>: builds a command from the Go module proxy.
go_binary() {
  local name="$1" package="$2" version="$3" stamp="$peers/$1.version"
  if [[ -x "$peers/$name" && -f "$stamp" && "$(cat "$stamp")" == "$version" ]]; then
    echo "install: $name is there ($version)"
    return
  fi
  need go
  GOBIN="$peers" go install "$package@$version"
  echo "$version" >"$stamp"
  echo "install: $name installed ($version)"
}

go_binary versitygw github.com/versity/versitygw/cmd/versitygw "$VERSITYGW_VERSION"
if [[ "${DRLS_PEERS_MINIO:-}" == 1 ]]; then
  go_binary minio github.com/minio/minio "$MINIO_VERSION"
fi
