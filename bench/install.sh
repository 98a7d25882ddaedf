#!/usr/bin/env bash
# What the benches need beyond tests/packages.txt: Node with the libraries of the scripts vmc is measured beside.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  ../installer/install_packages.sh packages.txt
fi
if [ ! node/node_modules/.package-lock.json -nt node/package-lock.json ]; then
  npm --prefix node ci --no-audit --no-fund --loglevel=error
fi
