#!/usr/bin/env bash
# Fails where a C file breaks .clang-format (clang-format 14), or where a line of C, of Python, of
# the Makefile or of Markdown prose has more than 100 columns.
#   tests/system/check-format.sh FILE...      the C files
# Tables of Markdown, links and code blocks in it may be wider: they cannot be wrapped.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
[ $# -gt 0 ] || { echo "usage: tests/system/check-format.sh FILE..."; exit 2; }

clang-format-14 --dry-run -Werror "$@" || status=1

export LC_ALL=C.UTF-8
wide='^(?:\P{M}\p{M}*){101,}$' # marks that combine with the letter before take no column
found=$(grep -nP "$wide" "$@" Makefile tests/checks.mk tools/packaging/*.mk
    find bench tests tools docs -name '*.py' -exec grep -nHP "$wide" {} +)
if [ -n "$found" ]; then
    echo "over 100 columns:"
    printf '%s\n' "$found"
    status=1
fi

prose() { # lines of Markdown over 100 columns that could be wrapped
    awk '/^ *```/ { code = !code; next } code || /^    / || /^ *\|/ { next } { print FILENAME ":" FNR ":" $0 }' "$@" |
        grep -P '^[^:]*:\d+:(?:\P{M}\p{M}*){101,}$' | grep -P '^[^:]*:\d+: *\S+ ' |
            grep -vP '^[^:]*:\d+:[ >*-]*\[[^]]*\]\(\S+\)[.,]?$'
}
found=$(prose README.md docs/*.md docs/*/*.md weights/*.md)
if [ -n "$found" ]; then
    echo "prose over 100 columns:"
    printf '%s\n' "$found"
    status=1
fi
[ $status = 0 ] &&
    echo "check-format: $# C files, Python, the Makefile and the prose are laid out as agreed"
exit $status
