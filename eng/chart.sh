#!/usr/bin/env bash
# Packs the Helm chart into artifacts/portolan-VERSION.tgz, with the manifests in it that it is made from. The same files give the same archive.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
chart=deploy/chart/portolan
version=$(sed -n 's/^version: *//p' "$chart/Chart.yaml")
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
archive=artifacts/portolan-$version.tgz
mkdir -p artifacts
tar --dereference --sort=name --format=ustar --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' -C deploy/chart -cf - portolan | gzip -n >"$archive.new"
mv -f "$archive.new" "$archive"
echo "$archive"
