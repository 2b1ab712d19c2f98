#!/bin/sh
# The Debian packages of a release, as the commit that made it builds them, in a folder; what is
# there is not built again.
#   released.sh VERSION FOLDER
set -eu
version=$1
folder=$2
architecture=$(dpkg --print-architecture)

[ ! -e "$folder/heeler_${version}_$architecture.deb" ] || exit 0
commit=$(git log --format='%H %s' | sed -n "s/ release: $version\$//p")
[ -n "$commit" ] || { echo "no commit \"release: $version\" in this repository"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive "$commit" | tar -x -C "$work"
(
    cd "$work"
    unset MAKEFLAGS MAKELEVEL MFLAGS
    # shellcheck disable=SC2046 # words
    packaging/deb.sh "$architecture" "$version" \
        $(make -s --eval='packages: ; @echo $(BUILD_PACKAGES)' packages) >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log"; exit 1; }
)
rm -rf "$folder"
mkdir -p "$folder"
cp "$work/build/deb/$architecture"/*.deb "$folder"
