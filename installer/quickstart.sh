#!/usr/bin/env bash
# From a clean clone on Debian 12 to rows that move: installs packages, builds, runs the demo.
# Arguments go to the demo: installer/quickstart.sh --once
set -euo pipefail
cd "$(dirname "$0")/.."

echo "1/3 Packages"
installer/install_packages.sh installer/packages.txt
echo "2/3 Build (about ten minutes on two cores the first time)"
cmake --preset release >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
cmake --build --preset release --target vmc
rm -f build.log
echo "3/3 Demo"
exec build/release/vmc all-in-one --demo "$@"
