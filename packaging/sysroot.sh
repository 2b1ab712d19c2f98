#!/bin/sh
# Fills a folder with Debian's libraries for another processor, for a build on this one.
#   sysroot.sh ARCHITECTURE FOLDER PACKAGE...
# The packages come with what they depend on, in the release that this machine has. They are
# fetched by an apt-get that has its own sources and its own books, so nothing is added to
# the machine's and no root is needed. FOLDER/complete says what is there; the same PACKAGEs
# are not fetched twice. What a package of them says of its libraries is in FOLDER/packages/, for
# dpkg-shlibdeps. DEBIAN_MIRROR is another mirror than deb.debian.org.
set -eu
architecture=$1
folder=$2
shift 2
mirror=${DEBIAN_MIRROR:-http://deb.debian.org}
key=/usr/share/keyrings/debian-archive-keyring.gpg
. /etc/os-release
wanted="$VERSION_CODENAME with packages/ and share/pkgconfig/: $*"

[ "$wanted" != "$(cat "$folder/complete" 2>/dev/null)" ] || exit 0
echo "filling $folder"
books=$(mktemp -d)
trap 'rm -rf "$books"' EXIT
mkdir -p "$books/lists/partial" "$books/archives/partial"
: >"$books/status"
while read -r of suite; do
    echo "deb [signed-by=$key] $mirror/$of $suite main"
done >"$books/sources.list" <<END
debian $VERSION_CODENAME
debian $VERSION_CODENAME-updates
debian-security $VERSION_CODENAME-security
END

own_apt_get() {
    apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
        -o APT::Sandbox::User= -o Dir::State="$books" -o Dir::State::status="$books/status" \
        -o Dir::Cache="$books" -o Dir::Etc::SourceList="$books/sources.list" \
        -o Dir::Etc::SourceParts=- -o Debug::NoLocking=true "$@"
}
own_apt_get update
own_apt_get install --yes --download-only --no-install-recommends "$@" >/dev/null

# Debian has /lib as a link to /usr/lib, and some packages still say /lib.
rm -rf "$folder"
mkdir -p "$folder/usr/lib"
ln -s usr/lib "$folder/lib"
for package in "$books"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$folder"
done
# What pkg-config knows of headers alone, as those of X, is not among the libraries.
find "$folder/usr/share" -mindepth 1 -maxdepth 1 ! -name pkgconfig -exec rm -rf {} +
# Each package of libraries by itself: what it says of them, and they.
for package in "$books"/archives/*.deb; do
    own=$folder/packages/$(basename "$package" .deb)
    mkdir -p "$own"
    dpkg-deb --control "$package" "$own/DEBIAN"
    if [ -e "$own/DEBIAN/shlibs" ] || [ -e "$own/DEBIAN/symbols" ]; then
        dpkg-deb --fsys-tarfile "$package" |
            tar -x --no-same-owner -C "$own" --wildcards './lib/*.so*' './usr/lib/*.so*' 2>/dev/null || true
    else
        rm -r "$own"
    fi
done
# A link from the root means the folder as the root.
find "$folder" -type l -lname '/*' -printf '%l %p\n' | while read -r to link; do
    ln -sfr "$folder$to" "$link"
done
echo "$wanted" >"$folder/complete"
