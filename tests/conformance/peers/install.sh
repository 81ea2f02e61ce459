#!/usr/bin/env bash
# Installs every peer into .cache/peers. Safe to run again: what is there at its pin is kept.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
for peer in "$here"/install_*.sh; do
  bash "$peer"
done
