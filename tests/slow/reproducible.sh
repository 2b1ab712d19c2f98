#!/bin/sh
# Two builds of this tree, in two folders, at two times, give the same bytes: the plain programs,
# and the Debian packages with what debuggers read. It compiles all of it twice.
#   reproducible.sh VERSION PACKAGE...
# As packaging/deb.sh, which it calls.
set -eu
version=$1
shift
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1 SOURCE_DATE_EPOCH=1700000000
unset MAKEFLAGS MAKELEVEL MFLAGS
architecture=$(dpkg --print-architecture)

build() { # FOLDER
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -xm -C "$1"
    cd "$1"
    { make -j"$(nproc)" build/heeler build/heeler-chart build/heeler-calendar build/bench/heeler-bench &&
        shift && packaging/deb.sh "$architecture" "$version" "$@"; } >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log"; exit 1; }
    cd "$here"
}
one=$work/one
other=$work/another/and/deeper
build "$one" "$@"
build "$other" "$@"

bad=0
for file in build/heeler build/heeler-chart build/heeler-calendar build/bench/heeler-bench $(cd "$one" && echo build/deb/"$architecture"/*.deb); do
    if cmp "$one/$file" "$other/$file"; then
        echo "the same: $(sha256sum <"$one/$file" | cut -c -16) $file"
    else
        bad=$((bad + 1))
    fi
done
[ "$bad" -eq 0 ]
