#!/usr/bin/env bash
# Chromium from Debian's packages: the documentation page is opened in a real browser.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
if command -v chromium >/dev/null; then
  echo "install: chromium is there"
else
  need apt-get
  as_root=()
  if [[ "$(id -u)" -ne 0 ]]; then
    need sudo
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq --yes \
    --no-install-recommends chromium >/dev/null
  echo "install: chromium installed"
fi
ln -sfn "$(command -v chromium)" "$peers/chromium"
