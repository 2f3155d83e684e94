#!/usr/bin/env bash
# jansson for 64-bit Windows, which Debian has no package of: its library and headers in OUT/lib and
# OUT/include,
# built from Debian's source package.    tools/packaging/windows-jansson.sh OUT CC AR
set -eu
out=$1 cc=$2 ar=$3
[ ! -f "$out/lib/libjansson.a" ] || exit 0
give_up() {
    echo "jansson for Windows: $1. Build it yourself for x86_64-w64-mingw32, and say where it is installed:" >&2
    echo "make windows-tools WINDOWS_JANSSON=PREFIX" >&2
    exit 1
}
command -v apt-get >/dev/null || give_up "there is no apt-get to fetch its source with"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/lists/partial "$scratch"/cache/archives/partial
chmod 755 "$scratch"

# Most systems list no source packages: here they are listed for this call alone, from where apt
# gets the others.
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
mirror=$(apt-cache policy | sed -n "s|.* \(https\{0,1\}://[^ ]*\) $suite/main .*|\1|p" | head -n 1)
key=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$key] ${mirror:-http://deb.debian.org/debian} $suite main" \
    >"$scratch/sources.list"
apt=(apt-get -qq -o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null
     -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch/cache")
(cd "$scratch" && "${apt[@]}" update && "${apt[@]}" source --download-only jansson) \
    >"$scratch/log" 2>&1 ||
    { tail -n 5 "$scratch/log" >&2; give_up "its source package cannot be fetched"; }
tar xf "$scratch"/jansson_*.orig.tar.* -C "$scratch"
src=$(ls -d "$scratch"/jansson-*/src)

# What its configure script would find out; it is not in the package, and needs autoconf.
sed 's/@json_inline@/inline/; s/@json_[a-z_]*@/1/' "$src/jansson_config.h.in" \
    >"$src/jansson_config.h"
defines=(-DHAVE_STDINT_H -DHAVE_FCNTL_H -DHAVE_SYS_STAT_H -DHAVE_SYS_TIME_H -DHAVE_SYS_TYPES_H \
    -DHAVE_LOCALE_H
         -DHAVE_SETLOCALE -DHAVE_ATOMIC_BUILTINS -DHAVE_UNISTD_H -DHAVE_GETPID -DHAVE_GETTIMEOFDAY
         -DUSE_WINDOWS_CRYPTOAPI -DINITIAL_HASHTABLE_ORDER=3 -D__USE_MINGW_ANSI_STDIO=1)
: >"$src/jansson_private_config.h" # the definitions above are all of it
mkdir -p "$out/lib" "$out/include"
for file in "$src"/*.c; do
    $cc -O2 -ffunction-sections -fdata-sections "${defines[@]}" -I"$src" -c "$file" \
        -o "${file%.c}.o" ||
        give_up "its source does not compile"
done
# Its formats are C's, not those of Microsoft's library.
sed 's/format(printf,/format(gnu_printf,/' "$src/jansson.h" >"$out/include/jansson.h"
cp "$src/jansson_config.h" "$out/include/"
rm -f "$out/lib/libjansson.a"
$ar rcs "$out/lib/new.a" "$src"/*.o
mv "$out/lib/new.a" "$out/lib/libjansson.a"
