#!/bin/sh
# The Debian packages of this tree, in build/deb/ARCHITECTURE.
#   deb.sh ARCHITECTURE VERSION PACKAGE...
# The PACKAGEs are what a build needs. It builds in a copy of the tree that has
# packaging/debian as debian/; objects of the run before stay there. The date of all files is
# SOURCE_DATE_EPOCH, or that of the last commit. SYSROOT is needed for another processor. With
# PREBUILT it begins with what was built in this tree, whose flags are not Debian's: for a test.
set -eu
architecture=$1
version=$2
shift 2
unset MAKEFLAGS MAKELEVEL MFLAGS
folder=build/deb/$architecture
source=$folder/source

in_git() { git ls-files --error-unmatch packaging/deb.sh >/dev/null 2>&1; }

files() {
    if in_git; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . -path ./build -prune -o -type f -print0
    fi
}

mkdir -p "$source"
find "$source" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
files | tar -c --null --ignore-failed-read --files-from=- | tar -x -C "$source"
cp -R packaging/debian "$source/debian"

if [ -n "${PREBUILT:-}" ] && [ ! -e "$source/build" ]; then
    mkdir "$source/build"
    (cd build && cp -a heeler heeler-chart heeler-calendar libheeler.a libchart.a page page.o config protocol flush server chart calendar bench "../$source/build/")
fi

epoch=${SOURCE_DATE_EPOCH:-$(in_git && git log -1 --format=%ct || stat -c %Y CHANGELOG.md)}
cat >"$source/debian/changelog" <<END
heeler ($version) unstable; urgency=medium

  * What changed is in /usr/share/doc/heeler/CHANGES.md.gz.

 -- The Heeler maintainers <maintainers@heeler.example>  $(LC_ALL=C date -u -R -d "@$epoch")
END
needed=$(printf '%s\n' "$@" | grep -vxE 'gcc|libc6-dev' | paste -sd, | sed 's/,/, /g')
sed -i "s/@BUILD_PACKAGES@/$needed/" "$source/debian/control"

rm -f "$folder"/*.deb "$folder"/*.changes "$folder"/*.buildinfo
cd "$source"
other=
if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
    other="-d -Pcross,nocheck -a$architecture"
    CC=$(dpkg-architecture -f -a"$architecture" -qDEB_HOST_GNU_TYPE 2>/dev/null)-gcc
    export CC DEB_BUILD_OPTIONS=nocheck
fi
# shellcheck disable=SC2086 # no words where there is no other processor
HEELER_SYSROOT=${SYSROOT:-} dpkg-buildpackage --build=binary --no-sign --no-pre-clean -j"$(nproc)" $other
