#!/usr/bin/env bash
# Makes the container image artifacts/portolan-image.tar without a container daemon: the native binary, the shared libraries it loads, the CA certificates, a user. Nothing else.
# The archive is an OCI layout that also holds the list `docker load` of before version 25 reads. The same files give the same digest on every run.
#   eng/image.sh [TAG]     TAG: without it, the product's version; the image is named portolan:TAG and portolan:latest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. eng/setup.sh
need image
# The tests look at the image of the binary that is there.
[ -n "${PORTOLAN_IMAGE_AS_IS:-}" ] || eng/publish.sh

binary=artifacts/bin/portolan
archive=artifacts/portolan-image.tar
version=$("$binary" version | awk '{ print $2 }')
tag=${1:-${version%%+*}}
case $(uname -m) in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; *) echo "no image for $(uname -m)" >&2; exit 1 ;; esac
# Every time in the image is this one: the commit's, or what the caller says (reproducible-builds.org, SOURCE_DATE_EPOCH).
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
umask 022
root=$work/root
mkdir -p "$root"/{etc,run,tmp,usr/bin,usr/lib/ssl,usr/share/doc/portolan,proc,sys,dev}
chmod 1777 "$root/tmp"
install -m 755 "$binary" "$root/usr/bin/portolan"
cp LICENSE "$root/usr/share/doc/portolan/"

# What the binary is linked with, and what the runtime loads by itself when TLS is first used; with all they need in turn, and their licences.
ssl=$(ldconfig -p | awk '/libssl\.so\.3 /{ print $NF; exit }')
crypto=$(ldconfig -p | awk '/libcrypto\.so\.3 /{ print $NF; exit }')
[ -n "$ssl" ] && [ -n "$crypto" ] || { echo "libssl.so.3 and libcrypto.so.3 are missing (package libssl3)" >&2; exit 1; }
{ ldd "$binary" "$ssl" "$crypto" | grep -o '/[^ :]*\.so[^ :]*'; printf '%s\n' "$ssl" "$crypto"; } | sort -u | while read -r library; do
  file=$(readlink -f "$library")
  [ "$file" != "$(readlink -f "$binary")" ] || continue
  install -D -m 755 "$file" "$root$library"
  # Debian's packages know a file by the name it had before /lib became a link to /usr/lib, or by the one after.
  package=$( (dpkg-query -S "$file" || dpkg-query -S "${file#/usr}") 2>/dev/null | cut -d: -f1) || true
  [ -z "$package" ] || install -D -m 644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done

install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -D -m 644 /usr/share/doc/ca-certificates/copyright "$root/usr/share/doc/ca-certificates/copyright"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
printf 'root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

deterministic=(--sort=name --format=pax --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --mtime="@$epoch" --owner=0 --group=0 --numeric-owner)
tar "${deterministic[@]}" -C "$root" -cf "$work/layer.tar" .

layout=$work/layout
umoci init --layout "$layout"
umoci new --image "$layout:$tag"
umoci raw add-layer --image "$layout:$tag" --history.created "$created" --history.created_by "eng/image.sh" "$work/layer.tar"
umoci config --image "$layout:$tag" --no-history --created "$created" --architecture "$architecture" --os linux \
  --config.user 65534:65534 --config.entrypoint portolan --config.env PATH=/usr/bin --config.workingdir / \
  --config.label org.opencontainers.image.title=portolan \
  --config.label "org.opencontainers.image.description=Gives Kubernetes LoadBalancer Services an address, announces it and carries its traffic" \
  --config.label "org.opencontainers.image.version=${version%%+*}" \
  --config.label "org.opencontainers.image.revision=$( [ "$version" = "${version#*+}" ] || echo "${version#*+}" )" \
  --config.label "org.opencontainers.image.created=$created" \
  --config.label org.opencontainers.image.licenses=Apache-2.0
umoci gc --layout "$layout" >/dev/null

# Names: containerd reads the annotation, podman and docker the list of tags.
manifest=$(jq -r '.manifests[0].digest' "$layout/index.json")
blob() { echo "blobs/${1/://}"; }
jq -c --arg tag "$tag" '.manifests[0] as $m | .manifests = [$tag, "latest" | . as $t | $m | .annotations = {"org.opencontainers.image.ref.name": $t, "io.containerd.image.name": ("docker.io/library/portolan:" + $t)}]
  | .manifests |= unique_by(.annotations["org.opencontainers.image.ref.name"])' "$layout/index.json" >"$work/index.json"
mv "$work/index.json" "$layout/index.json"
jq -c --arg tag "$tag" '[{Config: ("blobs/" + (.config.digest | sub(":"; "/"))), RepoTags: (["portolan:" + $tag, "portolan:latest"] | unique), Layers: [.layers[].digest | "blobs/" + sub(":"; "/")]}]' \
  "$layout/$(blob "$manifest")" >"$layout/manifest.json"

chmod -R go+rX "$layout"
tar "${deterministic[@]}" -C "$layout" -cf "$archive.new" blobs index.json manifest.json oci-layout
mv -f "$archive.new" "$archive"
echo "portolan:$tag $manifest"
echo "$archive: $(stat -c %s "$archive" | numfmt --to=iec) to load, $(du -sb "$root" | cut -f1 | numfmt --to=iec) unpacked"
