#!/bin/bash
# The image of packaging/Dockerfile.checks without Docker: its last RUN in a fresh minimal Debian 12,
# and what it runs, as its user and below a root that it cannot write, in the network of a
# container of the other image, whose socket it has. As root; needs a mirror of Debian.
#   checks_image.sh PROGRAM PACKAGES FOLDER
# FOLDER is where that Debian is kept; it is made where it is not there.
packages=$2
slim=$3
. "${0%/*}/../support/script.sh"
. "${0%/*}/../support/image.sh"
recipe=packaging/Dockerfile.checks

[ -e "$slim/complete" ] || {
    rm -rf "$slim"
    debootstrap --variant=minbase bookworm "$slim" "${DEBIAN_MIRROR:-http://deb.debian.org}/debian" >"$scratch/out" 2>&1 ||
        fail "$(tail -n 5 "$scratch/out")"
    touch "$slim/complete"
}
cp -a "$slim" "$scratch/checks"
mkdir "$scratch/checks/packages"
cp "$packages"/heeler_*.deb "$packages"/heeler-checks_*.deb "$scratch/checks/packages"
cp /etc/resolv.conf "$scratch/checks/etc/resolv.conf"
run=$(sed -n '/^FROM debian:12-slim/,$s/^RUN --mount=[^ ]* //p' $recipe)
[ -n "$run" ] || fail "$recipe has no RUN as it is looked for here"
DEBIAN_FRONTEND=noninteractive unshare --mount sh -c 'mount --bind /dev "$0/dev" && chroot "$0" sh -c "$1"' \
    "$scratch/checks" "$run" >"$scratch/out" 2>&1 || fail "$(tail -n 5 "$scratch/out")"
rm -r "$scratch/checks/packages"
! [ -e "$scratch/checks/usr/bin/systemctl" ] || fail "it has systemd, which nothing there needs"

make_image
mkdir -m 1777 "$scratch/sockets" "$scratch/tmp"
mkdir "$scratch/conf.d" "$scratch/checks.d"
install -m 644 tests/checks/data/seeds/custom_check.py "$scratch/checks.d/"
printf 'instances:\n  - min_collection_interval: 1\n' >"$scratch/conf.d/custom_check.yaml"
chmod 755 "$scratch/conf.d" "$scratch/checks.d"
chmod 644 "$scratch/conf.d/custom_check.yaml"

start_container "$scratch/log" --user 65532:65532 --env DD_HOSTNAME=image.example --env DD_HEELER_INTERVAL=1 \
    --mount "$scratch/sockets:/var/run/datadog" "$root" /usr/bin/heeler run
until_said "$scratch/log" 'http: listening on 127.0.0.1:8127'
server=$inside
user=$(sed -n 's/^USER //p' $recipe)
words=$(sed -n 's/^\(ENTRYPOINT\|CMD\) \[\(.*\)\]$/\2/p' $recipe | tr -d '",')
# shellcheck disable=SC2086 # words
start_container "$scratch/checks.log" --net "$server" --user "$user" --env PATH=/usr/bin:/bin \
    --mount "$scratch/sockets:/var/run/datadog:ro" --mount "$scratch/conf.d:/etc/heeler/conf.d:ro" \
    --mount "$scratch/checks.d:/etc/heeler/checks.d:ro" --mount "$scratch/tmp:/tmp" "$scratch/checks" $words
for _ in $(seq 1200); do
    in_network "$probe" get 8127 /api/v1/checks >"$scratch/out" 2>&1
    ! grep -q '"name":"custom_check".*"state":"ok".*"runs":[1-9]' "$scratch/out" || break
    kill -0 "$running" 2>/dev/null || fail "the checks ended: $(cat "$scratch/checks.log")"
    sleep 0.05
done
grep -q '"runs":[1-9]' "$scratch/out" || fail "nothing runs: $(cat "$scratch/out" "$scratch/checks.log")"
in_network "$probe" get 8127 /metrics | grep -q '^heeler_lines_received_total.* [1-9]' || fail "nothing came by the socket"
kill -TERM "$running"
server=$running
ended 0
echo "the image has $(du -sm --exclude=proc "$scratch/checks" | cut -f 1) MiB"
echo "1 passed, 0 failed"
