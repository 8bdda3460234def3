#!/usr/bin/env bash
# Long trials, with percentiles. ./soak.sh NAME [COUNT]; without a name it says which there are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
need build lab
case ${1:-} in layer2-gaps*) need peers ;; bgp-gaps|bfd-*) need router ;; esac
eng/publish.sh
dotnet build soak -c Release -v q -nologo -clp:ErrorsOnly >&2
exec dotnet soak/bin/Release/net10.0/Portolan.Soak.dll "$@"
