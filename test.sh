#!/usr/bin/env bash
# Every test. ./test.sh [--long] [--unit] [FILTER]
#   --long   also what takes minutes: the walkthrough with every kubectl, more kills
#   --unit   only the tests that need no lab
#   FILTER   passed on to the test runner, e.g. --filter-class '*Allocator*'
# The last line is "N passed, N failed" (and ", N skipped").
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
unit_only=false
while [ $# -gt 0 ]; do
  case $1 in
    --long) export PORTOLAN_TEST_LONG=1; shift ;;
    --unit) unit_only=true; shift ;;
    *) break ;;
  esac
done
need build lab demo test clients ansible image
[ "${PORTOLAN_TEST_LONG:-}" != 1 ] || need vm

started=$SECONDS passed=0 failed=0 skipped=0
step() { echo "==> $* ($((SECONDS - started)) s)"; }

step "building"
if ! dotnet build Portolan.slnx -c Debug -v q -nologo -clp:ErrorsOnly; then
  echo "the build failed"; echo "0 passed, 1 failed"; exit 1
fi

run_tests() { # PROJECT [RUNNER-ARGUMENT...]
  local project=$1 log dll t s f k code; shift
  log=$(mktemp)
  dll=tests/$project/bin/Debug/net10.0/$project.dll
  dotnet "$dll" --progress off --no-ansi "$@" >"$log" 2>&1; code=$?
  t=$(sed -nE 's/^ *total: *([0-9]+).*/\1/p' "$log" | tail -n 1)
  f=$(sed -nE 's/^ *failed: *([0-9]+).*/\1/p' "$log" | tail -n 1)
  s=$(sed -nE 's/^ *succeeded: *([0-9]+).*/\1/p' "$log" | tail -n 1)
  k=$(sed -nE 's/^ *skipped: *([0-9]+).*/\1/p' "$log" | tail -n 1)
  if [ -z "$t" ]; then
    cat "$log"; echo "$project: the runner ended with $code and no summary"; failed=$((failed + 1)); rm -f "$log"; return
  fi
  # Exit 8: no test matched the filter.
  if [ "$code" != 0 ] && [ "$code" != 8 ] || [ "$f" != 0 ]; then cat "$log"; [ "$f" != 0 ] || f=1; fi
  [ "$k" = 0 ] || grep -iE -A 1 '^ *skipped ' "$log"
  printf '    %-28s %5d passed %3d failed %3d skipped\n' "$project" "$s" "$f" "$k"
  passed=$((passed + s)); failed=$((failed + f)); skipped=$((skipped + k))
  rm -f "$log"
}

step "unit tests"
for project in Portolan.Core.Tests Portolan.Protocols.Tests Portolan.Linux.Tests Portolan.Kubernetes.Tests Portolan.Tests Portolan.Lab.Tests; do
  run_tests "$project" "$@"
done

if ! $unit_only; then
  step "native executables"
  if eng/publish.sh; then
    step "end-to-end tests"
    run_tests Portolan.EndToEnd.Tests "$@"
  else
    failed=$((failed + 1))
  fi
fi

step "done"
if [ "$skipped" = 0 ]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
[ "$failed" = 0 ]
