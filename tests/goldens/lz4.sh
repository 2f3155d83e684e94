#!/usr/bin/env bash
# Writes goldens/lz4/: frames of the reference program (Debian package lz4) with every flag that the
# decoder knows.
set -eu
cd "$(dirname "$0")/lz4"
{ for i in 1 2 3 4 5 6 7 8 9; do printf 'line %d of a text that repeats itself\n' $i; done; head \
    -c 700 /dev/zero; printf 'end'; } >text
lz4 -qcf text >default.lz4
lz4 -qcf -BX --content-size text >sums.lz4
lz4 -qcf -B4 -BD --no-frame-crc text >linked.lz4
lz4 -qcf -9 -B5 text >high.lz4
lz4 -qcf /dev/null >empty.lz4
head -c 40 text | lz4 -qcf - >short.lz4
# Two linked blocks: the second one's matches reach into the first.
{ head -c 65536 /dev/zero | tr '\0' 'x'; cat text; } | lz4 -qcf -B4 -BD >two.lz4
