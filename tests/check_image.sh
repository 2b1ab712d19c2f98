#!/bin/bash
# The image, run as its settings say: process 1 of a container without a network but the
# loopback, as a user without rights, below a root that it cannot write. What it holds is
# looked at, too.
#   check_image.sh PROGRAM
. "${0%/*}/support/script.sh"
. "${0%/*}/support/image.sh"
make_image

# ---- what is in it -----------------------------------------------------------------

found=$(find "$root" -type f -perm /111 -not -path "$root/usr/lib*")
[ "$(sort <<<"$found")" = "$root/usr/bin/heeler
$root/usr/bin/heeler-calendar
$root/usr/bin/heeler-chart" ] || fail "there is more to run, or nothing: $found"
! find "$root" -type f -perm /6000 | grep . || fail "a program that changes its user"
[ -s "$root/etc/ssl/certs/ca-certificates.crt" ] || fail "no authorities"
for package in "$root"/var/lib/dpkg/status.d/*; do
    [ -s "$root/usr/share/doc/${package##*/}/copyright" ] || fail "${package##*/} has no licence"
done
# Its size, to the MiB, is what the page says.
said=$(grep -o 'The image has [0-9]* MiB' docs/containers.md | tr -dc 0-9)
size=$((($(stat -c %s "$scratch/image/layer.tar") + 524288) / 1048576))
[ "${said:-0}" -ge $((size - 2)) ] && [ "${said:-0}" -le $((size + 2)) ] ||
    fail "the image has $size MiB, and docs/containers.md says ${said:-nothing}"

# Another image of the same program has the same bytes.
packaging/image.sh "$heeler" "$scratch/again.tar" >"$scratch/made" || fail "$(cat "$scratch/made")"
cmp "$scratch/image.tar" "$scratch/again.tar" || fail "two images of one program differ"
rm "$scratch/again.tar"

# ---- as its settings say -----------------------------------------------------------

user=$(value "$scratch/config" config.User)
[ "$user" = 65532:65532 ] || fail "the image runs as $user"
mapfile -t command < <(values "$scratch/config" config.Entrypoint.; values "$scratch/config" config.Cmd.)
[ "${command[*]}" = "/usr/bin/heeler run" ] || fail "the image runs ${command[*]}"
mapfile -t check < <(values "$scratch/config" config.Healthcheck.Test.)
[ "${check[0]}" = CMD ] || fail "the health check is ${check[*]}"

mkdir -m 1777 "$scratch/sockets"
start_container "$scratch/log" --user "$user" --env DD_HOSTNAME=image.example --env DD_HEELER_INTERVAL=1 \
    --mount "$scratch/sockets:/var/run/datadog" "$root" "${command[@]}"
until_said "$scratch/log" 'http: listening on 127.0.0.1:8127'
server=$running
until_said "$scratch/log" 'listening on unix.*/var/run/datadog/dsd.socket'

touch "$scratch/started"
grep -q '^NSpid:.*[[:space:]]1$' "/proc/$inside/status" || fail "it is not process 1"
grep -q '^Uid:[[:space:]]65532[[:space:]]65532[[:space:]]65532[[:space:]]65532$' "/proc/$inside/status" ||
    fail "another user"
grep -q '^CapEff:[[:space:]]0*$' "/proc/$inside/status" || fail "it has capabilities"
[ "$(awk '$5 == "/" { print $6 }' "/proc/$inside/mountinfo" | cut -d , -f 1)" = ro ] || fail "its root can be written"
[ "$(tail -n +3 "/proc/$inside/net/dev" | cut -d : -f 1 | tr -d ' ')" = lo ] || fail "there is a network"

# The health check as the runtime asks.
in_container "$user" "${check[@]:1}" >"$scratch/out" 2>&1 || fail "the health check fails: $(cat "$scratch/out")"
grep -q ': alive$' "$scratch/out" || fail "the health check says $(cat "$scratch/out")"

is_picture() { # FILE
    [ "$(od -An -tx1 -N8 "$1" | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "it is no PNG: $(head -c 500 "$1")"
}

# sent COUNT: datagrams of another container, which has the volume and no network.
sent() {
    "$container" run --user 1000:1000 --mount "$scratch/sockets:/var/run/datadog:ro" "$root" \
        /usr/bin/heeler send --to unix:/var/run/datadog/dsd.socket --count "$1" 'image.count:1|c' >"$scratch/out" 2>&1 ||
        fail "another container cannot send: $(cat "$scratch/out")"
}

# counted NAME COUNT: waits until that metric is at least that.
counted() {
    in_network "$probe" until 8127 "$1" "$2" || fail "$1 does not reach $2"
}

# received COUNT: the server has read so many.
received() {
    counted heeler_lines_received_total "$1"
}
sent 1000
received 1000

# Pictures, as the server has them drawn and as a command has; the letters are those of the font.
is_counted() {
    now=$EPOCHSECONDS
    in_network "$probe" get 8127 "/api/v1/query?from=$((now - 60))&to=$now&query=sum:image.count%7B*%7D" >"$scratch/answer" &&
        grep -q '"length":[1-9]' "$scratch/answer"
}
until_so is_counted || fail "nothing is counted: $(cat "$scratch/answer")"
server_draws() { # in five seconds, which a busy machine may not have
    in_network "$probe" get 8127 "/api/v1/graph/snapshot?metric_query=sum:image.count%7B*%7D&start=$((now - 60))&end=$now" >"$scratch/answer"
}
until_so server_draws || fail "no snapshot: $(cat "$scratch/answer")"
path=$(sed -n 's|.*"snapshot_url":"http://[^/]*\(/snapshot/view/[0-9a-f]*\.png\)".*|\1|p' "$scratch/answer")
in_network "$probe" get 8127 "${path:-/}" >"$scratch/png" || fail "there is no picture at $path"
is_picture "$scratch/png"
command_draws() {
    in_container "$user" /usr/bin/heeler query --last 1m --png /var/run/datadog/png 'sum:image.count{*}' >"$scratch/out" 2>&1
}
until_so command_draws || fail "a command draws nothing: $(cat "$scratch/out")"
is_picture "$scratch/sockets/png"
rm "$scratch/sockets/png"
echo '{"from":0,"to":60,"title":"letters","requests":[]}' >"$scratch/json"
in_container "$user" /usr/bin/heeler-chart <"$scratch/json" >"$scratch/png" 2>"$scratch/out" || fail "$(cat "$scratch/out")"
[ ! -s "$scratch/out" ] || fail "it draws and complains: $(cat "$scratch/out")"
"$heeler-chart" <"$scratch/json" | cmp - "$scratch/png" || fail "it draws otherwise in the image"

# Downtimes, by the zones of the image and without ICU's data.
occurrences "$heeler-calendar" >"$scratch/occurrences"
occurrences in_container "$user" /usr/bin/heeler-calendar | cmp - "$scratch/occurrences" ||
    fail "downtimes recur otherwise in the image"

# Another program in its place: it is asked by a child, which is nowhere afterwards.
kill -USR2 "$inside"
until_said "$scratch/log" 'the pause was'
sent 10
received 10
[ "$(ls "/proc/$inside/root/proc" | grep -c '^[0-9]')" -eq 1 ] || fail "something else runs, or is dead and not gone"
[ -z "$(find "$root" -newer "$scratch/started")" ] || fail "the root was written to"

# The first SIGTERM ends it in order, although the kernel protects a process 1.
kill -TERM "$running"
ended 0
[ ! -e "$scratch/sockets/dsd.socket" ] || fail "the socket is left behind"
[ "$(ledger lines | tail -n 1)" -eq 10 ] && [ "$(ledger imbalance | sort -u)" = 0/0/0 ] ||
    fail "lines $(ledger lines), imbalance $(ledger imbalance)"

# A name is looked up and an intake reached with what is in the image; the runtime adds /etc/hosts.
start_pod
printf '127.0.0.1 localhost intake.example\n' >"$scratch/hosts"
start_container "$scratch/log" --net "$pod" --user "$user" --env DD_HOSTNAME=image.example \
    --env DD_API_KEY=0123456789abcdef0123456789abcdef --env "DD_DD_URL=http://intake.example:$intake" \
    --mount "$scratch/hosts:/etc/hosts:ro" --mount "$scratch/sockets:/var/run/datadog" "$root" "${command[@]}"
until_said "$scratch/log" 'http: listening on'
server=$running
sent 3
received 3
kill -TERM "$running"
ended 0
[ "$(ledger delivered)" -gt 0 ] && [ "$(ledger points_shed)" -eq 0 ] || fail "nothing was delivered"

status=0
"$container" run --user "$user" "$root" "${check[@]:1}" >"$scratch/out" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "without a server the health check ends with $status"
