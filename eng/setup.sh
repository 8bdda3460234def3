#!/usr/bin/env bash
# What the scripts at the top of the tree need on this machine, installed where it is missing (Debian packages).
# Source it; then: need build lab demo test bench peers vm clients ansible image (any of them)

_missing_packages() { # PACKAGE... → those not installed
  local p
  for p in "$@"; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || echo "$p"; done
}

_install() { # WHY PACKAGE...
  local why=$1; shift
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "cannot check for $why: this is no Debian; see to it yourself that what these packages hold is there: $*" >&2; return 0
  fi
  local missing; missing=$(_missing_packages "$@")
  [ -n "$missing" ] || return 0
  missing=${missing//$'\n'/ }
  if [ "$(id -u)" != 0 ]; then
    echo "missing $why: run as root, or install: apt-get install $missing" >&2; exit 1
  fi
  echo "==> installing $why: $missing" >&2
  local log; log=$(mktemp)
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=400)
  if ! { "${apt[@]}" install -y --no-install-recommends $missing || { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends $missing; }; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2; rm -f "$log"
    echo "could not install $why: $missing" >&2; exit 1
  fi
  rm -f "$log"
}

_without_services() { # COMMAND... → with no package's daemon started (policy-rc.d of Debian)
  local policy=/usr/sbin/policy-rc.d own=false code=0
  if [ -w /usr/sbin ] && [ ! -e "$policy" ]; then own=true; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; fi
  ("$@") || code=$?
  if $own; then rm -f "$policy"; fi
  return "$code"
}

need() { # build lab demo test bench peers vm clients ansible image
  local what
  for what in "$@"; do
    case $what in
      build)
        if ! command -v dotnet >/dev/null || ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
          echo "the .NET 10 SDK is missing: install the package dotnet-sdk-10.0, or Microsoft's installer, and put dotnet on the PATH" >&2; exit 1
        fi
        _install "what native compilation links with" clang zlib1g-dev ;;
      lab)
        if [ "$(id -u)" != 0 ]; then
          echo "the lab makes network namespaces: run as root" >&2; exit 1
        fi
        _install "what the lab uses" iproute2 util-linux mount procps nftables tcpdump curl libssl3
        command -v kubectl >/dev/null || _install "kubectl" kubernetes-client ;;
      demo) _install "a terminal for the demo" expect ;;
      router) _without_services _install "the routing daemon of the lab's router" bird2 ;;
      test) _install "what the tests look with" conntrack iptables ipset iputils-ping arping expect
        # Other people's BFD and BGP. Without a network they are missing, and their tests are skipped: no reason to stop.
        (_without_services _install "BFD and BGP daemons to speak with" bird2 frr gobgpd exabgp openbgpd) ||
          echo "without them the tests that speak with them are skipped" >&2 ;;
      bench) _install "what packets are generated with, and what is measured beside" clang gcc libc6-dev libbpf-dev haproxy python3
        _without_services _install "the BGP daemons that are measured beside" bird2 frr frr-pythontools openbgpd ;;
      peers)
        # Without a network there is nothing to compare with, and the trial says so.
        (_install "the announcer that takeovers are measured beside" golang-go golang-github-hashicorp-memberlist-dev) || true ;;
      image) _install "what an image is built and looked at with" umoci skopeo jq libssl3 ca-certificates ;;
      clients)
        # Without a network they are missing, and their tests are skipped: no reason to stop.
        { command -v npm && command -v node; } >/dev/null || (_install "JavaScript, for other people's clients" nodejs npm) || true
        command -v unzip >/dev/null || (_install "what unpacks them" unzip) || true
        eng/clients.sh ;;
      vm)
        # Without a network there is none, and its tests are skipped.
        (_install "a virtual machine for kernels that have what this one lacks" qemu-system-x86 busybox-static kmod xz-utils ipvsadm) || true ;;
      ansible)
        # The engine alone: the role needs no collection. Without a network its test is skipped.
        command -v ansible-playbook >/dev/null || (_install "Ansible, for the role" ansible-core) || true ;;
    esac
  done
}
