#!/usr/bin/env bash
# Packs the tree's sources as FOLDER/skincredible-VERSION.tar.gz: dist.sh VERSION FOLDER
# The files are those that git has, or without git all but what is built. They carry one date, that
# of the last commit or $SOURCE_DATE_EPOCH, and no owner: the same sources give the same bytes.
set -eu
cd "$(dirname "$0")/../.."
version=$1 folder=$2
name=skincredible-$version
mkdir -p "$folder"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
if git rev-parse --show-toplevel 2>/dev/null | grep -qxF "$(pwd -P)"; then
    git ls-files -z >"$list"
    date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
else
    find . \( -path ./build -o -path './build-*' -o -path './demo*' -o -path ./debian -o \
        -name __pycache__ \) -prune \
        -o -type f ! -name '*.o' ! -path './weights/mtcnn*' -printf '%P\0' >"$list"
    date=${SOURCE_DATE_EPOCH:-$(stat -c %Y docs/changes.md)}
fi
# A file that git has may have been removed by hand.
LC_ALL=C sort -z "$list" | while IFS= read -r -d '' file; do
    [ -f "$file" ] && printf '%s\0' "$file"
done | tar --null --files-from=- --transform="s,^,$name/,S" --mtime="@$date" --owner=0 --group=0 \
    --numeric-owner --mode='u=rwX,go=rX' --format=ustar -cf - | gzip -9n >"$folder/$name.tar.gz.new"
mv "$folder/$name.tar.gz.new" "$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
