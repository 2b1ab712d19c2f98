# Functions of the scripts about the past on disk, which is in $state. To be read behind script.sh.
state=$scratch/state

# run_past --set...: a server whose intervals are seconds; start_past: and whose past is open.
run_past() {
    start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$state" \
        --set dogstatsd_socket="$scratch/dsd" "$@"
}
start_past() {
    run_past "$@"
    until_metric heeler_history_open 1
}

# define NAME: a dashboard of that name.
define() {
    local body="{\"title\": \"$1\", \"layout_type\": \"ordered\", \"widgets\": []}" answer
    exec 3<>"/dev/tcp/127.0.0.1/$http"
    printf 'POST /api/v1/dashboard HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "${#body}" "$body" >&3
    read -r answer <&3
    exec 3<&-
    case $answer in *" 200 "*) ;; *) fail "a dashboard is answered with $answer" ;; esac
}

# total NAME [UPTO]: what that counter was in the five minutes until then, or since the script began.
began=$EPOCHSECONDS
total() {
    local from=$((${2:-$((began + 300))} - 300)) upto=${2:-$((EPOCHSECONDS + 2))} points point sum=0
    until_so answers "/api/v1/query?from=$from&to=$upto&query=sum:$1%7B*%7D.as_count()" || fail "no answer about $1"
    points=$(<"$scratch/points")
    case $points in
    *'"pointlist":[['*)
        points=${points#*'"pointlist":[['}
        points=${points%%']]'*} # "TIME,VALUE],[TIME,VALUE"
        for point in ${points//'],['/ }; do
            sum=$((sum + ${point#*,}))
        done
        ;;
    esac
    echo $sum
}

# answers PATH: and not that it takes too long, as on a busy machine.
answers() {
    "$probe" get "$http" "$1" >"$scratch/points"
}

# until_total NAME N: waits until that counter is N; beyond it, something counts twice.
until_total() {
    local counted
    for _ in {1..1200}; do
        counted=$(total "$1")
        [ "$counted" -lt "$2" ] || break
        pause
    done
    [ "$counted" -eq "$2" ] || fail "$1 is $counted, not $2"
}

# send N: the counter a, at once, so that it is in one window; it is received when this returns. It
# goes where nothing is dropped and nobody else sends, as a load may fill the other socket.
send() {
    local here='heeler_datagrams_received_total{listener="unix' received
    received=$(metric "$here")
    "$heeler" send --to "unix:$scratch/dsd" "a:$1|c" || fail "send"
    until_metric "$here" $((received + 1))
}

# until_written: what was received before is on the disk when this returns, however the process
# ends: the windows of seconds go there in their order, up to that of now.
until_written() {
    local now
    TZ=UTC printf -v now '%(%F %T)T' -1
    until_so is_written "$now" || fail "no window of $now is written: $(cat "$scratch/info")"
}
is_written() {
    local step last
    "$heeler" history info --set heeler_state_path="$state" >"$scratch/info" 2>&1 || return 1
    while read -r step _ _ _ _ last; do # 1 s FIRST to LAST UTC, a day and a time each
        [ "$step" != 1 ] || { last=${last%% UTC*} && [[ ! $last < $1 ]] && return 0; }
    done <"$scratch/info"
    return 1
}

# lost: values of series in windows that are nowhere on the disk.
lost() {
    metric 'heeler_history_dropped_total{reason="lost"}'
}

# stops: it ends when it is told to, and its books are in order.
stops() {
    kill -TERM "$server"
    ended 0
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
}
