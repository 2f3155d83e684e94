#!/usr/bin/env bash
# Hosts of the libraries under hard conditions: each gets the same bits as one that has it easy, and
# none is ended or hung.   row05_host.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
top=$(cd "$here/../.." && pwd) build=$(cd "$1/.." && pwd) dir=$2
weights=$top/weights/mtcnn.safetensors
nm "$build/lib/libconvlstm.a" 2>/dev/null | grep -qE '__(asan|tsan|ubsan)_' &&
    { echo "a sanitizer build takes more addresses than the limits here"; exit 77; }
cd "$dir" || exit 1
gcc -O1 -fopenmp -I"$top/libconvlstm" -I"$top/libconvlstm/base" -I"$top/libmtcnn" -o host \
    "$here/row05_host.c" -Wl,--start-group "$build/lib/libconvlstm.a" "$build/lib/libmtcnn.a" \
    -Wl,--end-group -lopenblas -lz -lm -lpthread || fail "row05_host.c does not compile"

run 0 timeout 60 ./host "$weights" plain
mv out plain
[ "$(wc -l <plain)" = 1 ] || fail "no answer"
failures=0
# try CASE [NUMBER]: every line of the output is the plain one.
try() {
    local status
    timeout 60 "${wrap[@]}" ./host "$weights" "$@" >out 2>err
    status=$?
    if [ $status = 0 ] && [ "$(sort -u out)" = "$(cat plain)" ]; then
        echo "ok: $*${wrap[*]:+, by ${wrap[*]}}"
    else
        echo "FAILED (status $status): ${wrap[*]} $*"
        head -n 5 err out
        failures=$((failures + 1))
    fi
}
wrap=()
try fork
try stack 256
try team
try callers
try many
try addresses 600000
# Too few for the detector, which says so; the networks' answers are right.
timeout 60 ./host "$weights" addresses 240000 >out 2>err
status=$?
[ $status -le 1 ] && [ "$(cut -d'|' -f1 out)" = "$(cut -d'|' -f1 plain)" ] ||
    { echo "FAILED (status $status): addresses 240000"; cat err; failures=$((failures + 1)); }
wrap=(env OMP_STACKSIZE=64k)
try plain
try many
wrap=()
if [ "$(id -u)" = 0 ]; then
    chmod 755 . && try tasks 3
    try later
else
    echo "skipped: limits on tasks (need root, whom they do not bind)"
fi

# ---- half a processor ----
group=
for root in /sys/fs/cgroup/cpu /sys/fs/cgroup; do
    [ -z "$group" ] && [ -w $root/cgroup.procs ] && mkdir $root/row05.$$ 2>/dev/null || continue
    group=$root/row05.$$
    if ! { echo 50000 >$group/cpu.cfs_quota_us || echo "50000 100000" >$group/cpu.max; } 2>/dev/null
    then
        rmdir "$group"
        group=
    fi
done
if [ -n "$group" ]; then
    # shellcheck disable=SC2016  # the inner shell's
    wrap=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group")
    try plain
    try many
    rmdir "$group"
else
    echo "skipped: half a processor (no control group can be made here)"
fi

# ---- a control group of few tasks, as containers have ----
group=
for root in /sys/fs/cgroup/pids /sys/fs/cgroup; do
    [ -z "$group" ] && [ -w $root/cgroup.procs ] && mkdir $root/row05.$$ 2>/dev/null || continue
    group=$root/row05.$$
    if ! echo 3 2>/dev/null >"$group/pids.max"; then
        rmdir "$group"
        group=
    fi
done
if [ -n "$group" ]; then
    # shellcheck disable=SC2016  # the inner shell's
    wrap=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group")
    # timeout is one of them. Threads of the host's own, a team's or callers', need more.
    for tasks in 1 2 3; do
        echo $((tasks + 1)) >"$group/pids.max"
        try plain
        try many
    done
    echo 10 >"$group/pids.max"
    try team
    try callers
    rmdir "$group"
else
    echo "skipped: few tasks (no control group can be made here)"
fi
[ $failures = 0 ] || fail "$failures conditions"
