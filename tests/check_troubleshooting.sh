#!/bin/bash
# docs/troubleshooting.md, as somebody follows it: for each of its causes there is a server and an
# application that has it, the commands of its section are run as they stand there, and what
# stands below a command is found in what it says.
#   check_troubleshooting.sh PROGRAM
. "${0%/*}/support/script.sh"

page=docs/troubleshooting.md
heeler=$(realpath "$heeler")
probe=$(realpath "$probe")
bin=$scratch/bin
mkdir "$bin"
ln -s "$heeler" "$bin/heeler"

# The application: it sends such lines for as long as the section lasts.
application() { # PORT heeler-send's words...
    to=$1
    shift
    background "$scratch/sent" "$heeler" send --to "127.0.0.1:$to" --count 1000000 --rate 20 "$@"
    sender=$pid
}

# typed COMMAND: as on a machine where the server has the usual ports.
typed() {
    PATH="$bin:$PATH" DD_DOGSTATSD_PORT="$port" DD_HEELER_HTTP_LISTEN="127.0.0.1:$http" \
        exec bash -c "exec ${1//\/etc\/datadog-agent\/datadog.yaml/$settings}"
}

# The words of a text, so that it is the same where a line ends elsewhere.
words() {
    tr -s '[:space:]' ' '
}

# shown FILE LINES: each line stands in what was said; "…" is anything.
shown() {
    said=$(words <"$1")
    while IFS= read -r line; do
        line=$(words <<<"$line" | sed 's/ $//; s/[][\\.*^$+?(){}|]/\\&/g; s/…/.*/g')
        line=${line//8125/$port}
        [[ $said =~ $line ]] || { missing=$line; return 1; }
    done <<<"$2"
}

# look COMMAND LINES: runs it until it has said them, again where it ended before.
look() {
    for _ in {1..60}; do
        : >"$scratch/said"
        (typed "$1") >"$scratch/said" 2>&1 </dev/null &
        typed=$!
        started="$started $typed"
        for _ in {1..40}; do
            shown "$scratch/said" "$2" && break 2
            kill -0 "$typed" 2>/dev/null || break
            pause
        done
        kill "$typed" 2>/dev/null && wait "$typed" 2>/dev/null
        sleep 0.5
    done
    shown "$scratch/said" "$2" || { cat "$scratch/said"; fail "$section: $1 does not say: $missing"; }
    kill "$typed" 2>/dev/null
    wait "$typed" 2>/dev/null
    n=$((n + 1))
}

# follow HEADING: the commands of that section; each is awaited, or its words are.
follow() {
    section=$1
    n=0 command= lines=
    while IFS= read -r step; do
        case $step in
        "run "*)
            [ -z "$command" ] || (typed "$command") >"$scratch/said" 2>&1 || fail "$section: $command: $(cat "$scratch/said")"
            command=${step#run }
            ;;
        "see "*) lines=$lines${lines:+$'\n'}${step#see } ;;
        end)
            look "$command" "$lines"
            command= lines=
            ;;
        esac
    done < <(awk -v heading="## $section" '
        /^## / { inside = $0 == heading }
        !inside { next }
        /^```/ { if (kind == "see") print "end"; kind = $0 == "```sh" ? "run" : $0 == "```text" ? "see" : ""; next }
        kind != "" { print kind, $0 }' "$page")
    [ "$n" -gt 0 ] || fail "$page has no section \"$section\" with a command and what it says"
    kill "$sender" "$server"
    wait "$sender" "$server" 2>/dev/null
}

# set_up SETTING...: a server with these, in its file.
set_up() {
    settings=$scratch/datadog.yaml
    printf '%s\n' 'hostname: troubled.example' 'heeler_interval: 1' "$@" >"$settings"
    start_server "$heeler" --config "$settings" --set heeler_stop_timeout=1 # some intakes are dead
}

refused_line() {
    set_up
    application "$port" 'my_counter:1|count'
    follow "Its line is refused"
}

elsewhere() {
    background "$scratch/elsewhere" "$probe" hold
    wait_for "$scratch/elsewhere" 'port \([0-9]*\)'
    elsewhere=$found
    set_up
    application "$elsewhere" 'my_counter:1|c'
    follow "It sends elsewhere"
}

filter_list() {
    set_up 'metric_filterlist: [my_counter]'
    application "$port" 'my_counter:1|c'
    follow "A filter list names it"
}

contexts() {
    set_up 'heeler_max_contexts: 20'
    application "$port" --random 1:1000000 'logins:1|c|#user:{random}'
    until_metric heeler_values_shed_total 1
    follow "There are too many contexts"
}

refused_key() {
    background "$scratch/refuses" "$probe" refuse
    wait_for "$scratch/refuses" 'port \([0-9]*\)'
    set_up "dd_url: http://127.0.0.1:$found" 'api_key: 0123456789abcdef0123456789abcdef'
    application "$port" 'my_counter:1|c'
    follow "The intake does not accept the key"
}

sections=(refused_line elsewhere filter_list contexts refused_key)
section() {
    "${sections[$1 - 1]}"
}
lanes ${#sections[@]} section

[ "$(grep -c '^## It.* refused\|^## It sends\|^## A filter\|^## There are\|^## The intake' "$page")" = ${#sections[@]} ] ||
    fail "a section of $page is not followed"
