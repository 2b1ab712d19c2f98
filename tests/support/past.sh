# Functions of the scripts about the past on disk, which is in $state. To be read behind script.sh.
state=$scratch/state

# start_past --set...: a server whose intervals are seconds.
start_past() {
    start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$state" "$@"
    until_metric heeler_history_open 1
}

# total NAME [UPTO]: what that counter was in the five minutes until then, or until now.
total() {
    local upto=${2:-$((EPOCHSECONDS + 2))} points point sum=0
    points=$("$probe" get "$http" "/api/v1/query?from=$((upto - 300))&to=$upto&query=sum:$1%7B*%7D.as_count()")
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

# send N: the counter a; it is received when this returns.
send() {
    local received
    received=$(metric heeler_datagrams_received_total)
    "$heeler" send --to "127.0.0.1:$port" --count "$1" 'a:1|c' || fail "send"
    until_metric heeler_datagrams_received_total $((received + $1))
}

# until_written: what was flushed before is on the disk when this returns, however the process
# ends: its window is closed by the flush after the next one, and goes there behind all others.
until_written() {
    local flushed written
    flushed=$(metric heeler_snapshots_total)
    until_metric heeler_snapshots_total $((flushed + 2))
    written=$(metric heeler_history_windows_total)
    until_metric heeler_history_windows_total $((written + 1))
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
