#!/usr/bin/env bash
# Builds the tree with every compiler of this machine that it is meant for, and in the ways that
# distributions and embedders build it, runs the kernels' checks of each build, and prints a table:
# seconds of the build, warnings, and the milliseconds of bench's infer_b1, measured in turn: of one
# thread and the processor's, which other programs beside it change least.
#   check-compilers.sh [NAME...]     NAME: a compiler or a way of building, as the table has them
#   ROUNDS=n                         rounds of measuring (default 5)
#   CHROOT=FOLDER                    takes compilers that this machine lacks from a Debian 13 there
#                                    (as root, with debootstrap, which makes it if it is missing)
#   BUILT=1                          builds nothing: measures what an earlier run left
# Fails on a warning, a build that fails, a wrong kernel, or a compiler that is more than 10 %
# slower than gcc. Compilers that are not installed are named and left out. Builds stay in
# build/compilers.
set -u
cd "$(dirname "$0")/../.." || exit 1
base=build/compilers
rounds=${ROUNDS:-5}
mkdir -p "$base"
ccache=$(command -v ccache || true)
jobs=$(nproc)
names=() status=0
chroot=${CHROOT:-}
built=${BUILT:-}
declare -A seconds warnings state times inside

# A static program has no BLAS to link: the checks of the kernels stand for the libraries there.
whole=whole
bare=bare

# The packages of a build and the compilers that Debian 12 lacks, as the Makefile names the former.
make_chroot() {
    local packages
    packages=$(make -pn deps 2>/dev/null | sed -n 's/^APT_BUILD := //p')
    if [ ! -e "$chroot/ready" ]; then
        { [ -e "$chroot/usr" ] || debootstrap --variant=minbase trixie "$chroot"; } &&
            cp /etc/resolv.conf "$chroot/etc/" &&
            chroot "$chroot" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
                DEBIAN_FRONTEND=noninteractive \
                http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash -euc \
                "apt-get update -q
                apt-get install -qy --no-install-recommends gcc-13 gcc-14 clang-17 clang-18 $packages" &&
            touch "$chroot/ready"
    fi >"$base/chroot.log" 2>&1 || { tail -n 5 "$base/chroot.log"; echo "no Debian 13 in $chroot"
        exit 2; }
}

# Runs a command in the tree as the chroot has it, under mounts that go with the command.
in_chroot() { # COMMAND...
    # shellcheck disable=SC2016  # for the inner shell
    unshare --mount sh -c '
        tree=$(pwd -P) && mkdir -p "$0$tree" && mount --bind "$tree" "$0$tree" &&
        mount -t proc proc "$0/proc" && mount --bind /sys "$0/sys" && mount --bind /dev "$0/dev" &&
        exec chroot "$0" env -i PATH=/usr/bin:/bin HOME=/root LC_ALL=C.UTF-8 \
            sh -c "cd \"\$0\" && exec \"\$@\"" "$tree" "$@"' "$chroot" "$@"
}

way() { # NAME COMPILER TARGETS [MAKE'S VARIABLES...]
    local name=$1 compiler=$2 what=$3 begin=$SECONDS log="$base/$1.log" build="$base/$1" goals \
        cached
    shift 3
    if [ -n "$wanted" ] && [[ " $wanted " != *" $name "* ]]; then return; fi
    inside[$name]= cached=${ccache:+$ccache }
    if ! command -v "${compiler%% *}" >/dev/null; then
        if [ ! -x "$chroot/usr/bin/${compiler%% *}" ] || [ -z "$chroot" ]; then
            echo "$name: ${compiler%% *} is not installed: left out"
            return
        fi
        inside[$name]=in_chroot cached=
    fi
    names+=("$name")
    case $what in
    "$whole") goals=("$build/bin/bench" build "$build/tests/test_checkkern") ;;
    *) goals=("$build/bare/kernels") ;;
    esac
    if [ -n "$built" ]; then
        state[$name]=ok seconds[$name]=- warnings[$name]=-
        [ -x "${goals[0]}" ] || state[$name]="not built"
        return
    fi
    if ${inside[$name]} make --no-print-directory -k -j"$jobs" CC="$cached$compiler" \
        BUILD="$build" "$@" \
        "${goals[@]}" >"$log" 2>&1; then
        state[$name]=ok
    else
        state[$name]="does not build"
    fi
    seconds[$name]=$((SECONDS - begin))
    warnings[$name]=$(grep -c 'warning:' "$log")
    if [ "${state[$name]}" = ok ]; then
        if [ "$what" = "$whole" ]; then
            ${inside[$name]} "$build/tests/test_checkkern" >>"$log" 2>&1 ||
                state[$name]="wrong kernel"
        else
            "$build/bare/kernels" >>"$log" 2>&1 || state[$name]="wrong kernel"
        fi
    fi
    [ "${state[$name]} ${warnings[$name]}" = "ok 0" ] || status=1
    echo "$name: ${state[$name]}, ${seconds[$name]} s, ${warnings[$name]} warnings" \
        "$([ "${state[$name]} ${warnings[$name]}" = "ok 0" ] || echo "(see $log)")"
}

wanted=$*
[ -z "$chroot" ] || [ -n "$built" ] || make_chroot
way gcc gcc "$whole"
for compiler in gcc-11 gcc-12 gcc-13 gcc-14 clang-14 clang-15 clang-16 clang-17 clang-18 clang-19 \
    clang-20 clang-21 clang-22; do
    way $compiler $compiler "$whole"
done
way c11 gcc "$whole" CFLAGS=-std=c11
# What Debian's and Fedora's packages are built with.
way distribution gcc "$whole" OPT='-O3 -g -flto=auto' AR=gcc-ar \
    CFLAGS='-D_FORTIFY_SOURCE=2 -fstack-protector-strong -Wformat -Werror=format-security -fstack-clash-protection -fcf-protection'
way musl musl-gcc "$bare" OPENMP=
# The kernel's headers are in the 64-bit compiler's folder.
way m32 'gcc -m32' "$bare" CFLAGS='-msse2 -mfpmath=sse -idirafter /usr/include/x86_64-linux-gnu' \
    OPENMP=

for ((round = 0; round < rounds; round++)); do
    for name in "${names[@]}"; do
        bench="$base/$name/bin/bench"
        [ -x "$bench" ] && [ "${state[$name]}" = ok ] || continue
        ms=$(${inside[$name]} "$bench" --set infer_b1 --engine ours --unchecked --rounds 4 \
            --threads 1 --cpu --json --quiet | sed -n 's/.*"cpu_ms":\([0-9.]*\).*/\1/p' | head -n 1)
        times[$name]+="$ms "
    done
done

median() {
    tr ' ' '\n' | grep . | sort -n | awk '{v[NR] = $1} END {if (NR) print v[int((NR + 1) / 2)]}'
}
reference=$(echo "${times[gcc]:-}" | median)
printf '\n%-14s %9s %9s %12s %9s  %s\n' "" "build s" "warnings" "infer_b1 ms" "of gcc's" "state"
for name in "${names[@]}"; do
    ms=$(echo "${times[$name]:-}" | median) share=-
    if [ -n "$ms" ] && [ -n "$reference" ]; then
        share=$(awk -v a="$ms" -v b="$reference" 'BEGIN {printf "%.2f", a / b}')
        if awk -v s="$share" 'BEGIN {exit !(s > 1.1)}'; then
            state[$name]="more than 10 % slower than gcc"
            status=1
        fi
    fi
    printf '%-14s %9s %9s %12s %9s  %s\n' "$name" "${seconds[$name]}" "${warnings[$name]}" \
        "${ms:--}" "$share" "${state[$name]}"
done
exit $status
