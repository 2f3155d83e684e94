#!/usr/bin/env bash
# Installs the named Debian packages, as root or by sudo; otherwise says what to type.
set -u
if ! command -v apt-get >/dev/null; then
    echo "Missing packages (Debian's names): $*" >&2
    echo "This system has no apt-get: install them your system's way and run make again." >&2
    exit 1
fi
run=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing packages. As root, run: apt-get install -y $*" >&2
        exit 1
    fi
    run=(sudo)
fi
echo "Installing: $*"
log=$(mktemp)
if "${run[@]}" apt-get update >"$log" 2>&1 &&
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -n 20 "$log" >&2
rm -f "$log"
echo "The installation failed. As root, run: apt-get install -y $*" >&2
exit 1
