#!/bin/bash
# Each file of packaging/examples does what it says. It is parsed; its settings are looked at by
# `heeler check`, where a name that is not known is a fault; and the server is started with the
# command, the environment, the user and the volumes of the file, beside an intake, gets lines
# from the application's container of the same file, is asked for its health as the file has
# it, and ends within the time that the file gives.
# A container of checks has another image, which only Docker builds, and Python, which these tests do
# without: of it is looked at what it reads and whom it reaches; make package-test runs what it runs.
#   check_deployments.sh PROGRAM
. "${0%/*}/support/script.sh"
. "${0%/*}/support/image.sh"
make_image
examples=packaging/examples
key=0123456789abcdef0123456789abcdef
LINES=20

# ---- what a file says ----------------------------------------------------------------
#
# Each reader fills a folder of $scratch/said/FILE for every container, in the order of their start:
#   image, command, env (NAME=VALUE), mounts (FOLDER:TO[:ro]), user, health (a word a line),
#   probes (PORT PATH), sysctls (NAME NUMBER), grace (seconds), read_only, network (of those that share one)

# container_of FOLDER: makes it, with what the image says.
container_of() {
    mkdir -p "$1"
    : >"$1/env" && : >"$1/mounts" && : >"$1/probes" && : >"$1/sysctls" && : >"$1/health"
    value "$scratch/config" config.User >"$1/user"
    values "$scratch/config" config.Cmd. >"$1/command"
}

# command_of FILE PREFIX FOLDER: what the file says, if it does, goes before the image's.
command_of() {
    [ -z "$(under "$1" "$2")" ] || values "$1" "$2" >"$3/command"
}

# volume NAME MODE OWNER: a folder as the runtime makes it; printed.
volume() {
    at=$scratch/volumes/$1
    [ -d "$at" ] || { mkdir -p "$at" && chown "$3" "$at" && chmod "$2" "$at"; }
    echo "$at"
}

read_compose() { # FILE OUT
    for service in $(members "$1" 0.services.); do
        at=0.services.$service
        to=$2/$service
        container_of "$to"
        value "$1" "$at.image" >"$to/image"
        command_of "$1" "$at.command." "$to"
        # ${NAME:-default} as the shell that calls docker compose has it.
        under "$1" "$at.environment." | while IFS=$'\t' read -r name text; do
            eval "text=\"$text\""
            [ -z "$text" ] || echo "$name=$text" # Heeler takes an empty one as not set
        done >"$to/env"
        values "$1" "$at.volumes." | while read -r mount; do
            echo "$(volume "$2.${mount%%:*}" 1777 0:0):${mount#*:}" # the mode of the image's folder
        done >"$to/mounts"
        values "$scratch/config" config.Healthcheck.Test. | tail -n +2 >"$to/health"
        under "$1" "$at.sysctls." | tr '\t' ' ' >"$to/sysctls"
        value "$1" "$at.stop_grace_period" | tr -d s >"$to/grace"
        value "$1" "$at.read_only" >"$to/read_only"
        network=$(value "$1" "$at.network_mode")
        network=${network#service:}
        echo "${network:-$service}" >"$to/network"
    done
}

# What fieldRef stands for.
field() {
    case $1 in spec.nodeName) echo node-1 ;; *) echo "${1##*.}-1" ;; esac
}

# $(NAME) in a value is a variable above it.
expanded() {
    while IFS== read -r name text; do
        while [[ $text =~ \$\(([A-Za-z_]+)\) ]]; do
            text=${text/"${BASH_REMATCH[0]}"/$(sed -n "s/^${BASH_REMATCH[1]}=//p" "$1")}
        done
        echo "$name=$text"
    done <"$1"
}

kubernetes_volume() { # FILE PATH-OF-THE-POD NAME OUT
    i=$(under "$1" "$2.volumes." | awk -F '[.\t]' -v n="$3" '$2 == "name" && $3 == n { print $1 }')
    [ -n "$i" ] || fail "$1: there is no volume $3"
    host=$(value "$1" "$2.volumes.$i.hostPath.path")
    if [ -n "$host" ]; then
        volume "$4.host$host" 0755 0:0
    else
        volume "$4.$3" 0777 0:0
    fi
}

read_kubernetes() { # FILE OUT
    for at in $(cut -f 1 "$1" | grep -oE '^[0-9]+\..*(initContainers|containers)\.[0-9]+' | uniq); do
        pod=${at%.*.*}
        name=$(value "$1" "$at.name")
        to=$2/$name.${at%%.*}
        container_of "$to"
        value "$1" "$at.image" >"$to/image"
        command_of "$1" "$at.args." "$to"
        for i in $(members "$1" "$at.env."); do
            text=$(value "$1" "$at.env.$i.value")
            [ -z "$(under "$1" "$at.env.$i.valueFrom.secretKeyRef.key")" ] || text=$key
            from=$(value "$1" "$at.env.$i.valueFrom.fieldRef.fieldPath")
            [ -z "$from" ] || text=$(field "$from")
            echo "$(value "$1" "$at.env.$i.name")=$text"
        done >"$to/raw"
        expanded "$to/raw" >"$to/env"
        for i in $(members "$1" "$at.volumeMounts."); do
            folder=$(kubernetes_volume "$1" "$pod" "$(value "$1" "$at.volumeMounts.$i.name")" "$2") || fail "$folder"
            mode=$(value "$1" "$at.volumeMounts.$i.readOnly")
            echo "$folder:$(value "$1" "$at.volumeMounts.$i.mountPath")${mode:+:ro}"
        done >"$to/mounts"
        values "$1" "$at.startupProbe.exec.command." >"$to/health"
        for probe_name in livenessProbe readinessProbe; do
            port=$(value "$1" "$at.$probe_name.httpGet.port")
            [ -z "$port" ] || echo "$port $(value "$1" "$at.$probe_name.httpGet.path")"
        done >"$to/probes"
        user=$(value "$1" "$at.securityContext.runAsUser")
        [ -z "$user" ] || echo "$user:$(value "$1" "$at.securityContext.runAsGroup")" >"$to/user"
        value "$1" "$at.securityContext.readOnlyRootFilesystem" >"$to/read_only"
        value "$1" "$pod.terminationGracePeriodSeconds" >"$to/grace"
        echo "${at%%.*}" >"$to/network"
    done
}

read_ecs() { # FILE OUT
    for i in $(members "$1" 0.containerDefinitions.); do
        at=0.containerDefinitions.$i
        to=$2/$(value "$1" "$at.name")
        container_of "$to"
        value "$1" "$at.image" >"$to/image"
        command_of "$1" "$at.command." "$to"
        {
            for n in $(members "$1" "$at.environment."); do
                echo "$(value "$1" "$at.environment.$n.name")=$(value "$1" "$at.environment.$n.value")"
            done
            for n in $(members "$1" "$at.secrets."); do
                echo "$(value "$1" "$at.secrets.$n.name")=$key"
            done
        } >"$to/env"
        values "$1" "$at.healthCheck.command." | tail -n +2 >"$to/health"
        [ -z "$(value "$1" "$at.user")" ] || value "$1" "$at.user" >"$to/user"
        value "$1" "$at.readonlyRootFilesystem" >"$to/read_only"
        value "$1" "$at.stopTimeout" >"$to/grace"
        echo task >"$to/network"
    done
}

# directive KEY FILE...: its values, a line each.
directive() {
    sed -n "s/^$1=//p" "${@:2}"
}

# The unit with one drop-in, and the application's drop-in beside it.
read_systemd() { # DROP-IN OUT
    unit=packaging/heeler.service
    to=$2/heeler
    container_of "$to"
    echo heeler >"$to/image"
    directive ExecStart $unit | tr ' ' '\n' | tail -n +2 | grep -v '^\$' >"$to/command"
    directive Environment $unit "$1" >"$to/env"
    { directive RuntimeDirectory $unit | tr ' ' '\n' | sed 's|^|/run/|'
        directive StateDirectory $unit | sed 's|^|/var/lib/|'; } | while read -r folder; do
        echo "$(volume "$2.unit$folder" 0755 65532:65532):$folder"
    done >"$to/mounts"
    printf '%s\n' /usr/bin/heeler health --at unix:/run/heeler/http.sock >"$to/health"
    directive TimeoutStopSec $unit "$1" | tail -n 1 | tr -d s >"$to/grace"
    echo true >"$to/read_only"
    echo host >"$to/network"
    to=$2/shop
    container_of "$to"
    echo example/shop >"$to/image"
    directive Environment $examples/systemd/shop.conf >"$to/env"
    echo "$(volume "$2.unit/run/datadog" 0755 65532:65532):/run/datadog" >"$to/mounts"
    echo host >"$to/network"
}

# ---- and whether it is so ------------------------------------------------------------

# setting NAME: of the container at hand, by heeler check --all.
setting() {
    sed -n "s/^$1 = \([0-9]*\) .*/\1/p" "$scratch/checked"
}

# options_of FOLDER: $options.
options_of() {
    options=(--user "$(<"$1/user")")
    while read -r line; do options+=(--env "$line"); done <"$1/env"
    while read -r line; do options+=(--mount "$line"); done <"$1/mounts"
}

# Nothing is wrong or unknown; that anybody may write beside a socket is so in each emptyDir.
check_settings() { # FOLDER
    options_of "$1"
    mapfile -t words < <(tail -n +2 "$1/command")
    "$container" run "${options[@]}" "$root" /usr/bin/heeler check --all "${words[@]}" >"$scratch/checked" 2>&1 ||
        fail "$1: heeler check says no: $(grep '^heeler: ' "$scratch/checked")"
    ! grep '^heeler: ' "$scratch/checked" | grep -v 'everybody may write in its folder' ||
        fail "$1: heeler check is not content"
    [ "$(<"$1/read_only")" = true ] || fail "$1: the root can be written"
    [ "$(<"$1/grace")" -gt $(($(setting heeler_stop_timeout) +
        ($(setting heeler_linger) > 0 ? $(setting heeler_linger_max) : 0))) ] ||
        fail "$1: it is killed before it may have ended"
    while IFS== read -r name _; do
        case $name in DD_*) grep -q "($name)" "$scratch/checked" || fail "$1: $name changes nothing" ;; esac
    done <"$1/env"
}

# Where the application sends: what heeler send calls it.
target_of() { # FOLDER
    sed -n 's|^DD_DOGSTATSD_URL=unix://|unix:|p' "$1/env"
    host=$(sed -n 's/^DD_AGENT_HOST=//p' "$1/env")
    [ -z "$host" ] || echo "$host:$(sed -n 's/^DD_DOGSTATSD_PORT=//p' "$1/env")"
}

use() { # FOLDER: the application's container sends
    options_of "$1"
    target=$(target_of "$1")
    [ -n "$target" ] || fail "$1 does not say where to send"
    [ "$(<"$1/network")" != "$(<"$server_at/network")" ] || options+=(--net "$inside")
    "$container" run "${options[@]}" "$root" /usr/bin/heeler send --to "$target" --count $LINES 'shop.orders:1|c' \
        >"$scratch/out" 2>&1 || fail "$1 cannot send to $target: $(<"$scratch/out")"
}

# A container of checks has the command of its image, reads what it is given and no more, and reaches
# the server by the socket and by the loopback of their network.
check_checks() { # FOLDER
    sed -n 's/^USER //p' packaging/Dockerfile.checks | cmp -s - "$1/user" || fail "$1: another user than the image's"
    options_of "$1"
    for folder in $(grep -o ':/etc/heeler/[a-z.]*' "$1/mounts" | tr -d :); do
        grep -q ":$folder:ro\$" "$1/mounts" || fail "$1: it may write $folder"
        ! grep -q ":$folder" "$server_at/mounts" || fail "$1: the server has $folder"
    done
    grep -q ':/etc/heeler/conf.d:ro$' "$1/mounts" || fail "$1: there are no checks"
    [ "$(<"$1/read_only")" = true ] || fail "$1: the root can be written"
    ! grep '^DD_' "$1/env" || fail "$1: it needs no such setting, and no key"
    [ "$(<"$1/network")" = "$(<"$server_at/network")" ] || fail "$1: it is not in the server's network"
    for target in unix:/var/run/datadog/dsd.socket 127.0.0.1:8125; do
        "$container" run "${options[@]}" --net "$inside" "$root" /usr/bin/heeler send --to $target \
            --count $((LINES / 2)) 'checks.points:1|c' >"$scratch/out" 2>&1 ||
            fail "$1 cannot send to $target: $(<"$scratch/out")"
    done
    "$container" run "${options[@]}" --net "$inside" "$root" /usr/bin/heeler status >"$scratch/out" 2>&1 ||
        fail "$1 cannot ask: $(<"$scratch/out")"
}

ask_health() { # FOLDER
    mapfile -t words <"$1/health"
    [ "${#words[@]}" -gt 1 ] || fail "$1 has no check of its health"
    in_container "$(<"$1/user")" "${words[@]}" >"$scratch/out" 2>&1 || fail "$1: health: $(<"$scratch/out")"
    while read -r port path; do
        in_network "$probe" get "$port" "$path" >"$scratch/out" || fail "$1: $path at $port: $(<"$scratch/out")"
    done <"$1/probes"
}

# The pod's network is there first, with the intake in it.
start() { # FOLDER
    start_pod
    while read -r name number; do # of a network
        nsenter -t "$pod" -n -- sh -c 'echo "$1" >"/proc/sys/$0"' "${name//.//}" "$number" || fail "$1: no $name"
    done <"$1/sysctls"
    options_of "$1"
    grep -q '^DD_API_KEY=.' "$1/env" || options+=(--env "DD_API_KEY=$key")
    mapfile -t words <"$1/command"
    start_container "$scratch/log" --net "$pod" "${options[@]}" --env "DD_DD_URL=http://127.0.0.1:$intake" \
        "$root" /usr/bin/heeler "${words[@]}"
    server=$running
    server_at=$1
    until_said "$scratch/log" 'http: listening on'
}

run_deployment() { # FOLDER of containers
    servers=0
    for at in "$1"/*; do
        case $(<"$at/image") in heeler | */heeler) ;; *) continue ;; esac
        servers=$((servers + 1))
        check_settings "$at"
        start "$at"
    done
    [ $servers -eq 1 ] || fail "$1: $servers servers"
    ask_health "$server_at"
    users=0
    for at in "$1"/*; do
        case $(<"$at/image") in
        heeler | */heeler) continue ;;
        heeler-checks) check_checks "$at" ;;
        *) use "$at" ;;
        esac
        users=$((users + 1))
    done
    [ $users -gt 0 ] || fail "$1: nobody sends"
    kill -TERM "$running" # with linger, what was sent is read all the same
    ended 0
    [ "$(ledger lines)" -eq $((users * LINES)) ] || fail "$1: $(ledger lines) lines came, not $((users * LINES))"
    [ "$(ledger delivered)" -gt 0 ] && [ "$(ledger imbalance)" = 0/0/0 ] ||
        fail "$1: delivered $(ledger delivered), imbalance $(ledger imbalance)"
    kill -KILL "$pod"
    deployments=$((deployments + 1))
}

deployments=0
for file in "$examples"/*.yaml "$examples"/*.json "$examples"/systemd/*.conf; do
    name=$(basename "$file")
    flat=$scratch/$name.flat
    said=$scratch/said/$name
    case $name in
    *.conf) ;;
    *) "$tools/flat" "$file" >"$flat" && know "$flat" || fail "$name is neither YAML nor JSON" ;;
    esac
    case $name in
    compose*.yaml) read_compose "$flat" "$said" ;;
    kubernetes-*.yaml) read_kubernetes "$flat" "$said" ;;
    ecs-*.json) read_ecs "$flat" "$said" ;;
    shop.conf) continue ;; # beside each of the others
    *.conf) read_systemd "$file" "$said" ;;
    *) fail "$file: nobody reads it" ;;
    esac
    run_deployment "$said"
done
[ "$deployments" -ge 10 ] || fail "only $deployments were started"
echo "$deployments deployments"
