#!/usr/bin/env bash
# Dependencies point one way: tools -> libraries -> base. Tools see the public headers only; base includes nothing outside itself; one file each includes
# cblas.h, omp.h, zlib.h and stb_image.h; the libraries decode and parse nothing that belongs to the tools.
set -u
status=0
complain() {
    echo "$1"
    echo "$2" | sed 's/^/    /'
    status=1
}
check() { # message, then a grep that must find nothing
    local message=$1 found
    shift
    found=$(grep -HnE "$@")
    [ -z "$found" ] || complain "$message" "$found"
}
internal='"(core|threads|gemm|cpu|json|cell|frame|winograd|tiles|.*kernels?|.*_internal|internal)\.h"'
check "a tool includes an internal header:" "#include $internal" tools/*.c tools/*/*.[ch]
outside=$(ls libconvlstm/*.h libconvlstm/layers/*.h libconvlstm/cells/*.h libconvlstm/kernels/*.h libconvlstm/model/*.h libconvlstm/trainer/*.h libmtcnn/*.h libmtcnn/kernels/*.h 2>/dev/null | xargs -n1 basename | paste -sd'|')
check "base includes something outside itself:" "#include \"(.*/)?(${outside//./\\.})\"" libconvlstm/base/*.[ch]
check "a library includes what only tools may:" '#include [<"](stb|jansson|curl|microhttpd|hdf5|csv\.h|libexif|exttextcat)' $(find libconvlstm libmtcnn -name '*.[ch]')
one_seam() {
    local header=$1 count
    shift
    count=$(grep -lE "#include [<\"](.*/)?$header[>\"]" $(find "$@" -name '*.[ch]') | wc -l)
    [ "$count" = 1 ] || complain "$header is included by $count files, not by one" "$(grep -lE "#include [<\"](.*/)?$header[>\"]" $(find "$@" -name '*.[ch]'))"
}
one_seam 'cblas\.h' libconvlstm libmtcnn
one_seam 'omp\.h' libconvlstm libmtcnn
one_seam 'zlib\.h' libconvlstm libmtcnn
one_seam 'stb_image\.h' tools
exit $status
