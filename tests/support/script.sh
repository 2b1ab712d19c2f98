# Functions of the script tests: start a server, wait for what it says, end it.
# To be read by a script that got the program as $1. What was started is ended
# by its number when the script ends.
set -u
heeler=$1
probe=${heeler%/*}/tests/tools/probe
[[ $probe = /* ]] || probe=$PWD/$probe
[ -x "$heeler" ] && [ -x "$probe" ] || { echo "$heeler or $probe is not built"; exit 1; }
scratch=$(mktemp -d)
nothing=$scratch/nothing # is never said in it
mkfifo "$nothing"
started= others= lanes=

# Lanes end what they have started themselves. Who has ended is left alone, as his number may be
# somebody else's by now; of those in $others, who are no children of ours, nobody knows.
end_all() {
    local pid running
    running=$(jobs -rp)
    running=" ${running//$'\n'/ } "
    for pid in $lanes; do [[ $running != *" $pid "* ]] || kill "$pid" 2>/dev/null; done
    for pid in $lanes; do wait "$pid" 2>/dev/null; done
    for pid in $started; do [[ $running != *" $pid "* ]] || end_one "$pid"; done
    for pid in $others; do end_one "$pid"; done
}
end_one() {
    kill -CONT "$1" 2>/dev/null
    kill -KILL "$1" 2>/dev/null
}
trap 'end_all; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
unset DD_API_KEY DD_URL DD_DD_URL

fail() {
    echo "$*"
    [ ! -f "$scratch/log" ] || tail -n 20 "$scratch/log"
    exit 1
}

# background OUTPUT command...: its number is $pid.
background() {
    output=$1
    shift
    : >"$output" # at once, or who waits for what it says may still read what another has said
    "$@" >"$output" 2>&1 &
    pid=$!
    started="$started $pid"
}

# pause: a twentieth of a second, without a process as sleep would be.
pause() {
    read -rt 0.05 _ <>"$nothing"
}

# until_so COMMAND...: waits until it succeeds; a minute at least.
until_so() {
    local look
    for ((look = 0; look < 1200; look++)); do
        ! "$@" || return 0
        pause
    done
    return 1
}

# wait_for FILE PATTERN [NTH]: the part in \(\) of the first line with it is $found.
wait_for() {
    found=$("$probe" await "$@") || fail "no \"$2\" in $1${3:+, or less than $3}"
}

# start_server PROGRAM --set...: a fresh log; $server, $port and $http. Its stop has the time that a
# loaded machine takes; where somebody never answers, a setting behind it says less.
start_server() {
    program=$1
    shift
    : >"$scratch/log"
    background "$scratch/log" "$program" run --set dogstatsd_port=__random__ \
        --set bind_host=127.0.0.1 --set dogstatsd_socket= \
        --set heeler_http_listen=127.0.0.1:0 --set heeler_stop_timeout=60 "$@"
    server=$pid
    wait_for "$scratch/log" 'listening on udp 127.0.0.1:\([0-9]*\)'
    port=$found
    wait_for "$scratch/log" 'http: listening on 127.0.0.1:\([0-9]*\)'
    http=$found
}

# ended STATUS: waits for the server's end; it must be this.
ended() {
    status=0
    wait "$server" || status=$?
    [ "$status" -eq "$1" ] || fail "the server ended with $status, not $1"
}

# ledger NAME: that number of the final ledger.
ledger() {
    sed -n "s/.*final ledger:.* $1=\([0-9/]*\).*/\1/p" "$scratch/log"
}

# metric NAME: the sum of its samples.
metric() {
    "$probe" metric "$http" "$1"
}

# until_metric NAME N: waits until it is at least that.
until_metric() {
    "$probe" until "$http" "$1" "$2" || fail "$1 does not reach $2"
}

# until_answered QUERY: waits until a question about the last minute has points; spaces are written +.
until_answered() {
    until_so has_points "$1" || fail "$1 is answered with $(cat "$scratch/points")"
}
has_points() {
    "$probe" get "$http" "/api/v1/query?from=$((EPOCHSECONDS - 60))&to=$((EPOCHSECONDS + 1))&query=$1" >"$scratch/points" &&
        grep -q '"length":[1-9]' "$scratch/points"
}

# occurrences COMMAND...: what that heeler-calendar answers to each of tests/data/recurrences.txt.
occurrences() {
    local line
    while IFS= read -r line; do
        echo "${line##*	}"
        "$@" <<<"$line" || fail "it does not know when that is"
    done <tests/data/recurrences.txt
}

# lanes N FUNCTION: runs it N times at once, each with its number, in a scratch of its own.
lanes() {
    for ((lane = 1; lane <= $1; lane++)); do
        (
            scratch=$scratch/lane$lane started= others= lanes=
            trap end_all EXIT
            trap 'exit 1' INT TERM HUP
            mkdir "$scratch"
            "$2" "$lane"
        ) &
        lanes="$lanes $!"
    done
    for pid in $lanes; do
        wait "$pid" || exit 1 # it has said why
    done
    lanes=
}
