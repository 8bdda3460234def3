#!/usr/bin/env bash
# Fuzz targets: ./fuzz.sh TARGET [INPUTS] [--seconds N] [--seed N]
#   TARGET   paths, bodies, patches, watch, websocket, spdy, cel, arp, ndp, bfd, bgp, peers
#   INPUTS   how many, 200000 when not said; --seconds ends it earlier, after 300 when not said
# The committed corpus is replayed first, then mutated. An input that breaks something is kept in fuzz/corpus/TARGET, and the exit code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
need build
dotnet build fuzz -c Release -v q -nologo -clp:ErrorsOnly
exec dotnet fuzz/bin/Release/net10.0/Portolan.Fuzz.dll "$@"
