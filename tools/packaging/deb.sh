#!/usr/bin/env bash
# Builds Debian's packages from the archive of `make dist` into FOLDER, and has lintian judge them:
#   deb.sh VERSION FOLDER
set -eu
cd "$(dirname "$0")/../.."
version=$1 folder=$2
for tool in dpkg-buildpackage dh lintian; do
    command -v "$tool" >/dev/null || { echo \
        "$tool is missing: apt-get install dpkg-dev debhelper lintian"; exit 77; }
done
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
tools/packaging/dist.sh "$version" "$folder" >/dev/null
tar -C "$folder" -xzf "$folder/skincredible-$version.tar.gz"
mv "$folder/skincredible-$version.tar.gz" "$folder/skincredible_$version.orig.tar.gz"
source=$folder/skincredible-$version
cp -r tools/packaging/debian "$source/debian"
date=$(tar -tvzf "$folder/skincredible_$version.orig.tar.gz" --full-time |
    awk 'NR == 1 {print $4, $5}')
sed "s|@VERSION@|$version|; s|@DATE@|$(LC_ALL=C date -u -R -d "$date")|" \
    "$source/debian/changelog.in" >"$source/debian/changelog"
rm "$source/debian/changelog.in"
# The compiler is the distribution's (with /usr/lib/ccache in front of PATH: through ccache), and
# every processor compiles.
(cd "$source" && env -u CC dpkg-buildpackage -us -uc --jobs-try=auto ${DEB_BUILD:--F}) \
    >"$folder/build.log" 2>&1 ||
    { tail -n 40 "$folder/build.log"; exit 1; }
# Only a first upload to Debian itself closes a bug there.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
    "$folder"/*.changes
ls "$folder"/*.deb
