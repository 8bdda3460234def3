#!/usr/bin/env bash
# Benchmarks. ./bench.sh [NAME…]; a figure a line: name, ours, peer's, ratio, goal, "holds" or "short". Needs a quiet machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
need build lab bench
eng/publish.sh
dotnet build bench -c Release -v q -nologo -clp:ErrorsOnly >&2
exec dotnet bench/bin/Release/net10.0/Portolan.Bench.dll "$@"
