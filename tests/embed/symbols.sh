#!/usr/bin/env bash
# The libraries keep their promises to a host, seen from their symbols: none outside their prefixes,
# no call of exit, abort or printf, and no change of the host's OpenMP or BLAS thread counts.
#   symbols.sh BIN SCRATCH
set -u
lib=$1/../lib
status=0
forbidden='_?exit|_Exit|abort|__assert_fail|v?printf|puts|putchar|__printf_chk|__vprintf_chk|'
forbidden+='omp_set_.*|openblas_set_num_threads.*|goto_set_num_threads|s?rand(om)?'
sanitized=$(nm "$lib/libconvlstm.a" 2>/dev/null | grep -c -E '__(asan|ubsan)_')
[ "$sanitized" = 0 ] || { echo "a sanitizer build has symbols of its own"; exit 77; }
for name in libconvlstm libmtcnn; do
    own=${name#lib}
    defined=$(nm -g --defined-only "$lib/$name.a" | awk 'NF==3 && $2 ~ /[A-Z]/ {print $3}' |
        grep -vE "^(${own}_|nbase_)")
    if [ -n "$defined" ]; then
        echo "$name.a defines symbols outside its prefixes:" $defined
        status=1
    fi
    # One file may set the calling thread's own number of OpenMP threads, which it puts back
    # (test_threads.c, test_base.c).
    called=$(nm -u "$lib/$name.a" |
        awk '/\.o:$/ { member = $1 }
            NF == 2 && !(member == "gemm.o:" && $2 == "omp_set_num_threads") { print $2 }' |
        grep -xE "$forbidden" | sort -u)
    if [ -n "$called" ]; then
        echo "$name.a calls what a library must not:" $called
        status=1
    fi
done
[ $status = 0 ] && echo "no exit, abort, printf; no symbol outside the prefixes"
exit $status
