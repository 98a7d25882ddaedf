#!/usr/bin/env bash
# Installs what tests need, builds, runs everything through ctest, prints seconds per stage.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -a stages=()
stage() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@"
  stages+=("$(printf '%-28s %5d s' "$name" $((SECONDS - start)))")
}

# Runs ctest for a preset and fails when fewer tests ran than are registered: nothing skips.
run_tests() {
  local preset=$1 registered ran log
  log=$(mktemp)
  registered=$(ctest --preset "$preset" -N | sed -n 's/^Total Tests: //p')
  ctest --preset "$preset" --no-tests=error 2>&1 | tee "$log"
  ran=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#[0-9]+:.* Passed ' "$log")
  rm -f "$log"
  if [ "$ran" -ne "$registered" ]; then
    echo "$preset: $registered tests are registered, $ran passed"
    return 1
  fi
}

build() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" --target "${@:2}" -- -j2
}

stage "packages" installer/install_packages.sh installer/packages.txt tests/packages.txt
stage "bench packages" bench/install.sh
stage "tidy self-test" python3 tests/tidy/tidy.py --self-test
stage "build release" build release all all_tests
stage "test release" run_tests release
stage "build ASan + UBSan" build dev all_tests
stage "test ASan + UBSan" run_tests dev
stage "build fuzz" build fuzz all_fuzzers
stage "fuzz, 30 s a target" python3 -B tests/fuzz/run.py build/fuzz 30

echo
printf '%s\n' "${stages[@]}"
