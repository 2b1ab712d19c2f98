#!/bin/bash
# The tarball with its libraries on a system that is not the one it was built on: Debian trixie,
# fresh from its mirror, with none of the libraries. Needs root and some minutes, the first
# time; the system stays in FOLDER.
#   trixie.sh PROGRAM TARBALL FOLDER
. "${0%/*}/../support/script.sh"
container=${heeler%/*}/tests/tools/container
tarball=$2
system=$(realpath -m "$3")
name=$(basename "$tarball" .tar.gz)

if [ ! -e "$system/complete" ]; then
    rm -rf "$system"
    debootstrap --variant=minbase --include=ca-certificates trixie "$system" \
        "${DEBIAN_MIRROR:-http://deb.debian.org}/debian" >"$scratch/made" 2>&1 || fail "$(tail -n 5 "$scratch/made")"
    touch "$system/complete"
fi
rm -rf "$system/opt"
mkdir "$system/opt"
tar -xzf "$tarball" -C "$system/opt" || fail "it is no tar.gz"
echo "Debian $(cat "$system/etc/debian_version"), $(chroot "$system" dpkg-query -W -f '${Package} ${Version}' libc6)"
! chroot "$system" dpkg-query -W 'libevent*' 'libcurl*' 2>/dev/null || fail "it has the libraries"

"$container" run "$system" "/opt/$name/bin/heeler" --version | tail -n 1 || fail "it does not run"
mkdir "$scratch/run"
background "$scratch/log" "$container" run --env DD_HOSTNAME=trixie --env DD_HEELER_INTERVAL=1 \
    --mount "$scratch/run:/run/datadog" "$system" "/opt/$name/bin/heeler" run
server=$pid
wait_for "$scratch/log" '\(http: listening on\)'
inside=$(sed -n 's/^pid //p' "$scratch/log")
nsenter -t "$inside" -m -n -p "/opt/$name/bin/heeler" health || fail "it is not alive"
nsenter -t "$inside" -m -n -p "/opt/$name/bin/heeler" send --count 5 'trixie:1|c' || fail "nothing was sent"
nsenter -t "$inside" -m -n -p "/opt/$name/bin/heeler" send --to unix:/run/datadog/dsd.socket --count 5 'trixie:1|c' ||
    fail "nothing was sent"
echo '{"from":0,"to":60,"requests":[]}' | nsenter -t "$inside" -m -n -p "/opt/$name/bin/heeler-chart" >"$scratch/png" ||
    fail "it draws nothing"
[ -s "$scratch/png" ] || fail "the picture is empty"
kill -TERM "$server"
ended 0
[ "$(ledger lines)" -eq 10 ] || fail "$(ledger lines) lines came"
# The authorities are the system's, so an intake of the world would be trusted.
[ -s "$system/etc/ssl/certs/ca-certificates.crt" ] || fail "no authorities"
sed -n 's/.*\(final ledger:.*\)/\1/p' "$scratch/log"
