#!/bin/bash
# Every command of README.md and docs/ is run: the lines of their sh blocks, one after the
# other, beside a server and a Redis of our own. Names such as 127.0.0.1:8127 become those
# of that server, and a few programs stand for others:
#   heeler   the built program; one that would serve is started, and stopped when it listens
#   make     looks whether the Makefile has the targets
#   sudo     runs what is behind it
#   curl     is the probe's, which needs no package
# NOT_RUN says which commands cannot be run here, and why.
#   check_docs.sh PROGRAM
. "${0%/*}/support/script.sh"

# A pattern of the shell, and behind # the reason. Each must stand for some command.
NOT_RUN="
docker *                                    # no daemon, and no registry; check_image.sh runs the image
apt install *                               # make package-test does, in a root of its own
echo * >/etc/heeler/api_key                 # likewise
heeler checks *                             # these tests do without Python; make checks-test does not
sudo -u heeler-checks *                     # likewise
sudo systemd-*                              # the users and folders belong to the machine
sudo systemctl enable --now heeler-checks   # the machine of a test has no systemd of its own
install -m 640 -g heeler-checks *           # the file belongs to the machine
(umask 077; echo POSTGRES_PASSWORD=* >>/etc/*)  # likewise
systemd-run *                               # likewise
ddtrace-run *                               # a library of others; make clients traces with dd-trace
systemctl *                                 # the machine of a test has no systemd of its own
(umask 077; echo DD_API_KEY=* >/etc/*)      # the file belongs to the machine
"

pages="README.md CONTRIBUTING.md docs/*.md"
heeler=$(realpath "$heeler")
probe=$(realpath "$probe")
mkdir "$scratch/bin"
tool() { # NAME: the script on standard input
    { echo '#!/bin/bash'; cat; } >"$scratch/bin/$1"
    chmod +x "$scratch/bin/$1"
}

tool heeler <<EOF
pause() { read -rt 0.05 _ <>"$nothing"; }
case \${1:-run} in
tail) # has no end; there are lines of each kind
    "$heeler" "\$@" >"$scratch/tailed" &
    for _ in \$(seq 1200); do
        "$heeler" send 'bad' 'my_counter:1|c' 'shop.requests:1|c' '_sc|shop|0'
        [ ! -s "$scratch/tailed" ] || break
        kill -0 \$! 2>/dev/null || break
        pause
    done
    kill \$! && [ -s "$scratch/tailed" ]
    exit
    ;;
capture) # for a moment, not for as long as a reader might
    cd "$scratch" && exec "$heeler" "\${@/#30s/1s}"
    ;;
check | send | explain | lint | expect | query | status | health | top | flare | help | --version | --help) exec "$heeler" "\$@" ;;
run) shift ;;
esac
[ -z "\${DD_API_KEY:-}" ] || set -- "\$@" --set dd_url=http://127.0.0.1:1 --set additional_endpoints={}
"$heeler" run "\$@" --set dogstatsd_port=__random__ --set dogstatsd_socket= --set heeler_http_listen= \\
    2>"$scratch/said" &
for _ in \$(seq 1200); do
    grep -q 'listening on udp' "$scratch/said" && break
    kill -0 \$! 2>/dev/null || break
    pause
done
kill -TERM \$! 2>/dev/null
wait \$! || { cat "$scratch/said"; exit 1; }
EOF
tool make <<'EOF'
for word; do
    case $word in *=* | build/*) continue ;; esac
    grep -q "^$word:" Makefile || { echo "the Makefile has no target $word"; exit 1; }
done
EOF
tool sudo <<'EOF'
exec "$@"
EOF
tool curl <<EOF
verb=get
[ "\$1 \$2" != "-X POST" ] || { verb=post; shift 2; }
path=\${1#http://127.0.0.1:}
exec "$probe" \$verb "\${path%%/*}" "/\${path#*/}"
EOF
tool npm <<EOF # whose tests send what docs/testing-your-metrics.md expects
[ "\$1" = test ] || exit 1
for route in pay cart pay; do
    "$heeler" send --to "127.0.0.1:\$DD_DOGSTATSD_PORT" "shop.orders:1|c|#env:test,route:/\$route" \
        'shop.order.time:12|ms' '_sc|shop.db|0' || exit 1
done
EOF
tool redis-cli <<EOF
exec /usr/bin/redis-cli -s "$scratch/redis" "\$@"
EOF

background "$scratch/redis.log" redis-server --port 0 --unixsocket "$scratch/redis" --save '' --dir "$scratch"
wait_for "$scratch/redis.log" '\(ready to accept\|now ready\)'
printf 'hostname: docs.example\n' >"$scratch/datadog.yaml"
awk '/^```yaml/ { inside = 1; next } /^```/ && inside { exit } inside' docs/testing-your-metrics.md >"$scratch/metrics.yaml"

serve() {
    start_server "$heeler" --config "$scratch/datadog.yaml" --set heeler_interval=1 \
        --set "heeler_redis_url=unix://$scratch/redis"
}
serve

# localized COMMAND: as it would be typed on a machine where that server has the usual ports.
localized() {
    sed -e "s|127.0.0.1:8127|127.0.0.1:$http|g; s|127.0.0.1:8125|127.0.0.1:$port|g" \
        -e "s|redis://redis.example|unix://$scratch/redis|g" \
        -e "s|/etc/datadog-agent/datadog.yaml|$scratch/datadog.yaml|g" \
        -e "s#\(metrics\|all\)\.yaml#$scratch/&#" \
        -e "s|DD_API_KEY=…|DD_API_KEY=0123456789abcdef0123456789abcdef|g" <<<"$1"
}

# pattern_of LINE: $pattern, without the reason.
pattern_of() {
    pattern=${1%%#*}
    pattern=${pattern%"${pattern##*[! ]}"}
}

left_out() {
    while read -r line; do
        pattern_of "$line"
        # shellcheck disable=SC2254 # it is a pattern
        case $1 in $pattern)
            [ -z "$pattern" ] || { echo "$pattern" >>"$scratch/left_out"; return 0; }
            ;;
        esac
    done <<<"$NOT_RUN"
    return 1
}

# run_block PAGE COMMAND
run_one() {
    command=${2%% #*}
    command=${command%"${command##*[! ]}"}
    [ -n "$command" ] || return 0
    left_out "$command" && return 0
    n=$((n + 1))
    env PATH="$scratch/bin:$PATH" DD_DOGSTATSD_PORT="$port" DD_HEELER_HTTP_LISTEN="127.0.0.1:$http" \
        timeout 120 bash -c "$(localized "$command")" >"$scratch/shown" 2>&1 </dev/null ||
        { cat "$scratch/shown"; fail "$1: $command"; }
    case $command in
    *127.0.0.1:8127/drain)
        ended 0
        serve
        ;;
    esac
}

# is_known COMMAND...: whether it succeeds; it is run once, however many pages speak of it.
declare -A known
is_known() {
    [ -n "${known[$*]-}" ] || "$@" >/dev/null || return 1
    known[$*]=yes
}

n=0
: >"$scratch/left_out"
for page in $pages; do
    while read -r line; do
        run_one "$page" "$line"
    done < <(awk '/^```/ { inside = $0 == "```sh"; next } inside' "$page")
    # Words in the text: the sub-commands and targets that it speaks of exist.
    for word in $(grep -o '`heeler [a-z][a-z]*' "$page" | sed 's/.* //' | sort -u); do
        is_known "$heeler" help "$word" || fail "$page speaks of heeler $word"
    done
    for word in $(grep -o '`make [a-z][a-z-]*' "$page" | sed 's/.* //' | sort -u); do
        is_known "$scratch/bin/make" "$word" || fail "$page speaks of make $word"
    done
    # A block of shell that is not marked as one would not be run.
    ! awk '/^```/ { inside = !inside } !inside' "$page" |
        grep -E '^    (\$ )?(heeler|make|curl|systemctl|sudo|redis-cli|DD_[A-Z_]*=)( |$)' ||
        fail "$page: a command outside of a block that is marked sh"
done
[ "$n" -gt 20 ] || fail "only $n commands were found"
while read -r line; do
    pattern_of "$line"
    [ -z "$pattern" ] || grep -qxF -e "$pattern" "$scratch/left_out" || fail "NOT_RUN: no command is like $pattern"
done <<<"$NOT_RUN"
echo "$n commands run"
