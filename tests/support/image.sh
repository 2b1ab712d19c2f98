# Functions of the script tests that run containers: the image, made as packaging/image.sh makes
# it, and its processes in namespaces of their own. To be read behind script.sh. A machine that
# gives no namespaces, or gives them to root only, is none of our faults: the test is skipped.
tools=${heeler%/*}/tests/tools
container=$tools/container
[ -x "$container" ] && [ -x "$tools/flat" ] || fail "$tools/container or flat is not built"
"$container" can 2>/dev/null || { echo "skipped: no namespaces are to be had here (as root)"; exit 0; }

# make_image: its root is $root, and its settings are in $scratch/config, as flat has them.
make_image() {
    root=$scratch/root
    packaging/image.sh "$heeler" "$scratch/image.tar" >"$scratch/made" || fail "$(cat "$scratch/made")"
    mkdir "$scratch/image" "$root"
    tar -xf "$scratch/image.tar" -C "$scratch/image" || fail "the image is no tar"
    tar -xpf "$scratch/image/layer.tar" --same-owner --numeric-owner -C "$root" || fail "the layer is no tar"
    "$tools/flat" "$scratch/image/config.json" | sed 's/^0\.//' >"$scratch/config" || fail "config.json is no JSON"
    know "$scratch/config"
}

# know FILE: what flat says of one, a "path<TAB>value" a line, to be asked for below by its name. No
# process is started for an answer, as some hundreds are asked for.
declare -A value_of paths_of
know() {
    local path value
    while IFS=$'\t' read -r path value; do
        value_of[$1 $path]=$value
        paths_of[$1]+=$path$'\n'
    done <"$1"
}

# value FILE PATH: that one; an empty line is none.
value() {
    echo "${value_of[$1 $2]-}"
}

# under FILE PREFIX: "rest<TAB>value" of each path that begins so; values: without the rest; members:
# the first parts of the rests, each once.
under() {
    local path
    while IFS= read -r path; do
        [[ $path != "$2"* ]] || printf '%s\t%s\n' "${path#"$2"}" "${value_of[$1 $path]}"
    done <<<"${paths_of[$1]-}"
}
values() {
    local rest value
    under "$@" | while IFS=$'\t' read -r rest value; do echo "$value"; done
}
members() {
    local rest before=
    under "$@" | while IFS= read -r rest; do
        rest=${rest%%[.$'\t']*}
        [ "$rest" = "$before" ] || echo "$rest"
        before=$rest
    done
}

# start_container LOG OPTION... ROOT PROGRAM...: $running is its number, and $inside that of its
# process 1.
start_container() {
    output=$1
    shift
    background "$output" "$container" run "$@"
    running=$pid
    wait_for "$output" 'pid \([0-9]*\)'
    inside=$found
}

# start_pod: a network, that of process $pod, with an intake at its port $intake.
start_pod() {
    background "$scratch/pod" "$container" pod
    pod=$pid
    wait_for "$scratch/pod" 'pid \([0-9]*\)'
    background "$scratch/intake" nsenter -t "$pod" -n -- "$probe" take
    wait_for "$scratch/intake" 'port \([0-9]*\)'
    intake=$found
}

# in_container USER:GROUP COMMAND...: as `docker exec` would, beside process $inside.
in_container() {
    who=$1
    shift
    nsenter -t "$inside" -m -n -p -i -u -S "${who%:*}" -G "${who#*:}" -- "$@"
}

# in_network COMMAND...: a program of this machine in the network of $inside.
in_network() {
    nsenter -t "$inside" -n -- "$@"
}

# until_said LOG PATTERN: waits for the log's line; a server that ended has failed.
until_said() {
    for _ in {1..1200}; do
        ! grep -q "$2" "$1" || return 0
        kill -0 "$running" 2>/dev/null || break
        pause
    done
    fail "no \"$2\": $(tail -n 5 "$1")"
}
