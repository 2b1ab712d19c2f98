#!/bin/sh
# The root of an image: the program, PROGRAM-chart, which draws its pictures, PROGRAM-calendar, which
# knows when downtimes recur, the libraries that they are linked with, the font, the time zones,
# the certificates of the authorities, and names for the users; no shell, and nothing else that
# runs. The Dockerfile and image.sh both make theirs by this.
#   root.sh PROGRAM FOLDER
# FOLDER is made. The programs were built on this machine, from Debian's packages.
set -eu
umask 022
program=$1
root=$2
here=${0%/*}
. "$here/parts.sh"

libraries "$program" "$program-chart" "$program-calendar" >"$list"
mkdir -p "$(dirname "$root")"
mkdir "$root"

# Debian's shape: /lib is a link to /usr/lib, and /var/run one to /run.
for folder in usr/bin usr/lib usr/lib64 usr/lib/ssl etc/ssl/certs var/lib run proc sys dev; do
    mkdir -p "$root/$folder"
done
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
ln -s ../run "$root/var/run"
# Any user may run it (docker run --user), so any may write here. A volume that Docker makes for
# one of these gets its mode.
for folder in run/datadog run/heeler var/lib/heeler tmp; do
    mkdir "$root/$folder"
    chmod 1777 "$root/$folder"
done

for suffix in '' -chart -calendar; do
    strip -o "$root/usr/bin/heeler$suffix" "$program$suffix"
    chmod 755 "$root/usr/bin/heeler$suffix"
done
while read -r name path _; do
    case $path in /usr/*) ;; *) path=/usr$path ;; esac
    library 755 "$name" "$path" "$root${path%/*}/$name"
done <"$list"
{ fonts; zones; } >>"$list"
fonts | while read -r _ path _; do
    install -D -m 644 "$path" "$root$path"
done
# Without those that count leap seconds, the second names of all others, and this machine's own.
tar -c -C /usr/share --exclude=zoneinfo/right --exclude=zoneinfo/posix --exclude=zoneinfo/localtime zoneinfo |
    tar -x --no-same-owner -C "$root/usr/share"

# The authorities of the package, without those that this machine trusts besides. The link is
# OpenSSL's own way to them, by which those of a Redis are found; curl has the other.
LC_ALL=C
export LC_ALL
sed '$a\' /usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/:/nonexistent
heeler:x:65532:65532:heeler:/var/lib/heeler:/nonexistent
END
cat >"$root/etc/group" <<'END'
root:x:0:
heeler:x:65532:
END
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# What scanners of images read: a package each, as dpkg has it.
packages=$({ cut -d ' ' -f 3 "$list"; echo ca-certificates; } | sort -u)
mkdir -p "$root/var/lib/dpkg/status.d"
# shellcheck disable=SC2086 # words
dpkg-query -s $packages >"$list.needed" # once for all, as it reads the whole of what it knows each time
awk -v RS= -v to="$root/var/lib/dpkg/status.d/" '{ print >(to $2); close(to $2) }' "$list.needed"
# shellcheck disable=SC2086 # words
licences "$root/usr/share/doc" $packages
install -D -m 644 "$here/../LICENSE" "$root/usr/share/doc/heeler/copyright"
