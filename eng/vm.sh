#!/usr/bin/env bash
# Runs a command as root under Debian's stock kernel, which has as modules what a test machine's kernel may lack: VLANs, bonds, dummies, IPVS.
# eng/vm.sh [-t] COMMAND [ARGUMENT…]
# It sees this machine's files as they are, and what it writes is gone afterwards; it has no network but its own loopback. Its output is ours, and so is its
# exit code; 75 says that there is no such machine here, and standard error says why. -t gives the command this terminal.
# The kernel is downloaded and unpacked, not installed, into artifacts/vm (PORTOLAN_VM_CACHE). An emulated processor: slow, and the same everywhere;
# PORTOLAN_VM_SECONDS (180; 0: nothing) bounds it all.
set -euo pipefail
tree=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
terminal=false
if [ "${1:-}" = -t ]; then terminal=true; shift; fi
[ $# -gt 0 ] || { sed -n 2,3p "${BASH_SOURCE[0]}" >&2; exit 2; }

unavailable() { echo "no virtual machine: $*" >&2; exit 75; }

[ "$(uname -m)" = x86_64 ] || unavailable "only on x86-64"
for tool in qemu-system-x86_64 busybox depmod modprobe xz dpkg apt-cache; do
  command -v $tool >/dev/null || unavailable "$tool is missing (apt-get install qemu-system-x86 busybox-static kmod xz-utils)"
done

cache=${PORTOLAN_VM_CACHE:-$tree/artifacts/vm}
mkdir -p "$cache"
cache=$(realpath "$cache")
package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: //p' | head -n 1)
[ -n "$package" ] || unavailable "apt knows no linux-image-amd64"
version=${package#linux-image-}
kernel=$cache/$package

unpack() { # into $1
  local dir=$1 offset module file number=0
  (cd "$dir" && apt-get download -qq "$package") >"$cache/download.log" 2>&1 \
    || { apt-get -qq -o DPkg::Lock::Timeout=400 update && cd "$dir" && apt-get download -qq "$package"; } >>"$cache/download.log" 2>&1 \
    || unavailable "apt cannot fetch $package: $(tail -n 1 "$cache/download.log")"
  dpkg -x "$dir"/*.deb "$dir"
  rm "$dir"/*.deb
  depmod -b "$dir" "$version"
  # Booted as an ELF file by its PVH entry, the kernel need not unpack itself: that takes the emulator seconds.
  for offset in $(LC_ALL=C grep -obUaP '\xfd7zXZ\x00' "$dir/boot/vmlinuz-$version" | cut -d: -f1); do
    tail -c "+$((offset + 1))" "$dir/boot/vmlinuz-$version" | xz -dcq >"$dir/vmlinux" 2>/dev/null || true
    [ "$(head -c 4 "$dir/vmlinux" | tail -c 3)" != ELF ] || break
  done
  mkdir -p "$dir/initrd/bin" "$dir/initrd/modules"
  cp "$(command -v busybox)" "$dir/initrd/bin/busybox"
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    for file in $(modprobe -d "$dir" -S "$version" --show-depends $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'); do
      compgen -G "$dir/initrd/modules/*-$(basename "$file")" >/dev/null || cp "$file" "$dir/initrd/modules/$(printf %02d $number)-$(basename "$file")"
      number=$((number + 1))
    done
  done
  cat >"$dir/initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /low /new /rw
$b mount -t proc proc /proc
for file in /modules/*; do $b insmod $file; done
share=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o ro,cache=loose,$share machine /low
$b mount -t tmpfs tmpfs /rw
$b mkdir /rw/upper /rw/work
$b mount -t overlay -o lowerdir=/low,upperdir=/rw/upper,workdir=/rw/work overlay /new
for dir in proc sys dev run result; do $b mkdir -p /new/$dir; done
$b mount -t proc proc /new/proc
$b mount -t sysfs sys /new/sys
$b mount -t devtmpfs dev /new/dev
$b mkdir -p /new/dev/shm /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm
$b mount -t devpts devpts /new/dev/pts
$b mount -t tmpfs run /new/run
$b mount -t cgroup2 cgroup /new/sys/fs/cgroup
$b mount -t bpf bpf /new/sys/fs/bpf
$b mount -t 9p -o $share result /new/result
$b umount /proc
# The first process itself moves: the kernel's own modprobe then finds modules in the new root.
exec $b switch_root /new /bin/bash /result/run
INIT
  chmod +x "$dir/initrd/init"
  (cd "$dir/initrd" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd.gz"
}

(
  flock 9
  if [ ! -e "$kernel/complete" ]; then
    rm -rf "$kernel"
    mkdir -p "$kernel"
    unpack "$kernel"
    touch "$kernel/complete"
  fi
) 9>"$cache/lock"

limit=${PORTOLAN_VM_SECONDS:-180}
result=$(mktemp -d)
machine=
settings=
finish() {
  [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
  [ -z "$settings" ] || stty "$settings" </dev/tty
  rm -rf "$result"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
touch "$result/output" "$result/error"
console=(-serial stdio)
own=()
streams='>/result/output 2>/result/error </dev/null'
if $terminal; then
  settings=$(stty -g </dev/tty)
  console=(-chardev stdio,id=console,signal=off -serial chardev:console)
  own=(--foreground)
  streams='<>/dev/ttyS0 >&0 2>&0'
fi
{
  printf 'export PATH=%q HOME=/root TERM=%q\n' "$PATH" "$($terminal && echo "${TERM:-dumb}" || echo dumb)"
  [ -z "${DOTNET_ROOT:-}" ] || printf 'export DOTNET_ROOT=%q\n' "$DOTNET_ROOT"
  echo "mkdir -p /lib/modules; ln -sfn $kernel/lib/modules/$version /lib/modules/$version; ip link set lo up"
  ! $terminal || stty size </dev/tty | { read -r rows columns; echo "stty -F /dev/ttyS0 rows $rows columns $columns"; }
  printf 'cd %q\n( ' "$PWD"
  ! $terminal || printf 'setsid -cw '
  printf '%q ' "$@"
  echo ") $streams; echo \$? >/result/code; /bin/busybox poweroff -f"
} >"$result/run"
# Never /dev/kvm: where it is itself emulated, it is slower than this and not all there. A program is at the same address in all its processes, so that what
# the emulator made of one of them it has for the next.
machine() {
  exec timeout "${own[@]}" "$limit" qemu-system-x86_64 -M q35 -accel tcg -cpu max -smp 2 -m 2048 -nodefaults -no-user-config -no-reboot -display none "${console[@]}" \
    -kernel "$kernel/vmlinux" -initrd "$kernel/initrd.gz" -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on tsc=reliable norandmaps" \
    -fsdev local,id=machine,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=machine,mount_tag=machine \
    -fsdev local,id=result,path="$result",security_model=none -device virtio-9p-pci,fsdev=result,mount_tag=result
}
if $terminal; then
  machine </dev/tty >/dev/tty 2>"$result/console" &
else
  machine </dev/null >"$result/console" 2>&1 &
fi
machine=$!
# What the command prints is printed as it comes.
tail -c +1 -s 0.1 -f --pid=$machine "$result/output" &
readers=$!
tail -c +1 -s 0.1 -f --pid=$machine "$result/error" >&2 &
wait $machine || true
machine=
wait $readers $! || true
if [ ! -s "$result/code" ]; then
  { echo "the virtual machine did not come to its end in $limit s; its console:"; tail -n 20 "$result/console"; } >&2
  exit 124
fi
exit "$(cat "$result/code")"
