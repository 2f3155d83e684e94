#!/usr/bin/env bash
# The static analysers of gcc and clang 14 over both libraries. Each finding is mended, or stands in
# analyze.txt with the reason why it is none; a line there that no longer occurs is an error, too.
#   check-analyze.sh [FILE...]      only these files; lines that do not occur are then no error
set -u
cd "$(dirname "$0")/../.." || exit 1
list=tests/system/analyze.txt
found=$(mktemp)
trap 'rm -f "$found"' EXIT
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(ls libconvlstm/*/*.c libmtcnn/*.c libmtcnn/kernels/*.c |
    grep -v '_body\.c$\|_neon\.c$\|threads_openmp\.c$')

analyse() { # FILE: lines "analyser file check"
    local flags=(-std=gnu11 -D_GNU_SOURCE -DNBASE_THREADS_POOL -Ilibconvlstm -Ilibconvlstm/base \
        -Ilibmtcnn -Itests/help/serial -Wno-unknown-pragmas)
    case $1 in
    *_avx2.c) flags+=(-mavx2 -mfma -mf16c) ;;
    *_avx512.c) flags+=(-mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mf16c) ;;
    esac
    gcc "${flags[@]}" -O1 -fanalyzer -c "$1" -o /dev/null 2>&1 |
        sed -n \
        's/^\([^ :]*\):[0-9]*:[0-9]*: warning: .*\[-W\(analyzer[^]]*\)\]$/gcc \1 \2/p; s/^\([^ :]*:[0-9]*\):[0-9]*: \(fatal \)\?error: \(.*\)/gcc \1 cannot be compiled: \3/p'
    clang-14 "${flags[@]}" --analyze -Xclang -analyzer-output=text "$1" 2>&1 |
        sed -n \
        's/^\([^ :]*\):[0-9]*:[0-9]*: warning: .*\[\([a-zA-Z.]*\)\]$/clang \1 \2/p; s/^\([^ :]*:[0-9]*\):[0-9]*: \(fatal \)\?error: \(.*\)/clang \1 cannot be compiled: \3/p'
}
export -f analyse
printf '%s\n' "${files[@]}" | xargs -P"${JOBS:-$(nproc)}" -I{} bash -c 'analyse {}' |
    LC_ALL=C sort -u >"$found"
known=$(sed -n 's/^\(\(gcc\|clang\) [^ ]* [^ ]*\): .*/\1/p' $list | LC_ALL=C sort -u)
new=$(LC_ALL=C comm -23 "$found" <(echo "$known"))
gone=$(LC_ALL=C comm -13 "$found" <(echo "$known"))
[ -z "$new" ] || printf \
    'new findings: mend them, or add them to %s with the reason why they are none:\n%s\n' $list \
    "$new"
[ $# -gt 0 ] || [ -z "$gone" ] || printf 'no longer found, remove from %s:\n%s\n' $list "$gone"
[ -z "$new" ] && { [ $# -gt 0 ] || [ -z "$gone" ]; } || exit 1
echo "check-analyze: ${#files[@]} files, $(wc -l <"$found") explained findings, no others"
