#!/usr/bin/env bash
# Compiles the two executables to native code in artifacts/bin, one after the other, each only if its inputs are newer than its last result.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. eng/setup.sh
out=artifacts/bin

stale() { # STAMP INPUT... → whether any input is newer
  [ ! -e "$1" ] || [ -n "$(find "${@:2}" -newer "$1" -type f -not -path '*/obj/*' -not -path '*/bin/*' -not -path 'deploy/ansible/*' -print -quit)" ]
}

publish() { # PROJECT ASSEMBLY INPUT...
  local project=$1 assembly=$2 stamp=artifacts/.$2.stamp log=artifacts/$2.log; shift 2
  stale "$stamp" "$@" Directory.Build.props Directory.Packages.props global.json || return 0
  need build
  mkdir -p "$out"
  echo "==> compiling $assembly to native code (a minute or two)" >&2
  touch "$stamp.new"
  rm -f "$stamp"
  local rid; rid=linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  if ! dotnet publish "src/$project/$project.csproj" -c Release -r "$rid" -o "artifacts/publish/$assembly" -nologo -v q >"$log" 2>&1; then
    { grep -E 'error|warning' "$log" || tail -n 20 "$log"; } | sort -u | head -n 20 >&2
    echo "==> compiling $assembly failed; all of it: $log" >&2
    return 1
  fi
  # A running binary cannot be written to, but it can be replaced.
  local file
  for file in "artifacts/publish/$assembly"/*; do
    case $file in *.dbg|*.pdb|*.xml) ;; *) cp "$file" "$out/.new"; mv -f "$out/.new" "$out/$(basename "$file")" ;; esac
  done
  mv "$stamp.new" "$stamp"
}

common="src/Portolan.Core src/Portolan.Linux src/Portolan.Kubernetes"
publish Portolan portolan src/Portolan src/Portolan.Protocols deploy/crds deploy/metallb-system deploy/proxy $common
publish Portolan.Lab portolan-lab src/Portolan.Lab eng/vm.sh $common
