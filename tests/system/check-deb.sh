#!/usr/bin/env bash
# Installs Debian's packages of this tree with apt in a Debian 12 that has nothing else, uses them
# there, and removes them without a trace:
#   check-deb.sh BUILD      (as root, after `make deb`; BUILD/chroot keeps the base system)
# In the chroot: every tool answers, a simulated clinic is made, and the README's example is built
# against the -dev package, shared and static.
set -eu
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/system/check-deb.sh BUILD}
for tool in debootstrap chroot tar; do
    command -v $tool >/dev/null || { echo "needs $tool (apt-get install debootstrap)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "needs root, for debootstrap and chroot"; exit 77; }
ls "$build"/deb/*.deb >/dev/null 2>&1 || { echo "no packages in $build/deb: make deb"; exit 2; }
mkdir -p "$build/chroot"
out=$(cd "$build/chroot" && pwd)
root=$out/root
fail() { echo "FAILED: $*" >&2; exit 1; }

if [ ! -f "$out/base.tar" ]; then
    rm -rf "$out/new"
    debootstrap --variant=minbase bookworm "$out/new" >"$out/debootstrap.log" 2>&1 ||
        { tail "$out/debootstrap.log"; fail "debootstrap: is Debian's mirror to be reached?"; }
    tar -C "$out/new" -cf "$out/base.tar.new" .
    mv "$out/base.tar.new" "$out/base.tar"
    rm -rf "$out/new"
fi

unmount() { umount "$root/proc" 2>/dev/null || true; }
trap unmount EXIT
unmount
rm -rf "$root"
mkdir -p "$root"
tar -C "$root" -xf "$out/base.tar"
mount -t proc proc "$root/proc"
mkdir "$root/packages"
cp "$build"/deb/*.deb "$root/packages/"
# How this machine reaches the mirror. grep's 1: it has no proxy.
cp /etc/resolv.conf "$root/etc/resolv.conf"
apt-config dump >"$out/apt.conf"
grep -i '^Acquire::.*Proxy' "$out/apt.conf" >"$root/etc/apt/apt.conf.d/90host" || [ $? = 1 ]
awk '/^```c$/ {on=1; next} /^```$/ {on=0} on' README.md >"$root/packages/example.c"

within() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
        bash -euc "$1" >"$out/log" 2>&1 || { tail -n 30 "$out/log"; fail "$2"; }
}

begin=$SECONDS
within 'apt-get update -q && apt-get install -qy --no-install-recommends /packages/*.deb' \
    "apt install"
echo "apt install: $((SECONDS - begin)) s, $(ls "$root"/packages/*.deb | wc -l) packages"

within 'for tool in /usr/bin/skin /usr/bin/skin-*; do
            $tool --version >/dev/null || { echo "$tool --version failed"; exit 1; }
            [ -e /usr/share/man/man1/${tool##*/}.1.gz ] || { echo "$tool has no manual page"; exit 1; }
            if ldd $tool | grep "not found"; then echo "$tool lacks a library"; exit 1; fi
        done
        skin synth /tmp/clinic --patients 2 --seed 5 --quiet
        skin info --isa' "the tools"
echo "the tools: $(ls "$root"/usr/bin/skin "$root"/usr/bin/skin-* | wc -l) answer, with manual pages"

within 'apt-get install -qy --no-install-recommends gcc libc6-dev pkg-config
        cd /tmp
        gcc $(pkg-config --cflags convlstm) /packages/example.c -o shared $(pkg-config --libs convlstm)
        gcc $(pkg-config --cflags convlstm) -Wl,--gc-sections /packages/example.c -o static \
            $(pkg-config --variable=libdir convlstm)/libconvlstm.a $(pkg-config --variable=private convlstm)
        readelf -d shared | grep -q "NEEDED.*libconvlstm.so.0"
        ./shared >one && ./static >two && cmp one two && [ -s one ]' "the README's example"
echo "the README's example: built against the -dev package, shared and static, with the same answer"

within 'apt-get purge -qy $(dpkg-query -W -f "\${Package}\n" | grep -E "^(libconvlstm|libmtcnn|libskincredible|skincredible)")
        left=$(find / -xdev -not -path "/proc/*" -not -path "/packages/*" -not -path "/tmp/*" \
            \( -name "*skincredible*" -o -name "libconvlstm*" -o -name "libmtcnn*" \) -not -path "/var/cache/*")
        [ -z "$left" ] || { echo "left behind: $left"; exit 1; }' "apt purge"
echo "apt purge leaves nothing behind"
