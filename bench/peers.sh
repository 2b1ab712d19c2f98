#!/bin/sh
# The table of `make bench-peers`: Heeler beside servers of others, one after the
# other in one run, with the same loads. WINDOW (2) is the seconds of a window, PEERS
# ("heeler statsd netdata collectd") who takes part. heeler-bench starts each server and
# ends it by its number. What a server lost is what its books miss (heeler, statsd) or
# what the kernel dropped (netdata, collectd, which keep no account of lines).
set -u
bench=build/bench/heeler-bench
window=${WINDOW:-2}
port=${PORT:-18125}
http=${HTTP_PORT:-18127}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM HUP

cat >"$folder/statsd.js" <<END
{ port: $port, address: "127.0.0.1", mgmt_port: $http, mgmt_address: "127.0.0.1", flushInterval: 1000,
  backends: ["$PWD/bench/peers/total.js"], totalFile: "$folder/total", deleteIdleStats: false }
END
cat >"$folder/collectd.conf" <<END
BaseDir "$folder"
PIDFile "$folder/collectd.pid"
PluginDir "/usr/lib/collectd"
Interval 10
LoadPlugin statsd
<Plugin statsd>
  Host "127.0.0.1"
  Port "$port"
</Plugin>
END
cat >"$folder/netdata.conf" <<END
[global]
    run as user = $(id -un)
[directories]
    config = @folder@
    stock config = @folder@
    cache = @folder@
    lib = @folder@
    log = @folder@
    lock = @folder@
[db]
    mode = ram
[health]
    enabled = no
[ml]
    enabled = no
[web]
    mode = none
[plugins]
    timex = no
    checks = no
    idlejitter = no
    tc = no
    diskspace = no
    proc = no
    cgroups = no
    enable running new plugins = no
    apps = no
    ebpf = no
    python.d = no
    go.d = no
    node.d = no
    charts.d = no
    perf = no
    slabinfo = no
    ioping = no
    statsd = yes
[statsd]
    bind to = udp:127.0.0.1:$port
END

# What an ended one leaves in its folder keeps the next from starting.
cat >"$folder/netdata" <<END
#!/bin/sh
own=\$(mktemp -d -p "$folder")
sed "s#@folder@#\$own#" "$folder/netdata.conf" >"\$own/netdata.conf"
exec /usr/sbin/netdata -D -c "\$own/netdata.conf"
END
chmod +x "$folder/netdata"

# Sets $server, $total (options that tell heeler-bench how to read the books), $version.
choose() {
    case $1 in
    heeler)
        server="build/heeler --set dogstatsd_port=$port --set dogstatsd_socket= --set heeler_http_listen=127.0.0.1:$http"
        total="--total-from http://127.0.0.1:$http/metrics"
        version=$(build/heeler --version)
        ;;
    statsd)
        echo 0 >"$folder/total"
        server="node bench/peers/node_modules/statsd/stats.js $folder/statsd.js"
        total="--read-total $folder/read --settle 2 --books-wait 4"
        version="statsd $(sed -n 's/.*"version": "\(.*\)".*/\1/p' bench/peers/node_modules/statsd/package.json), node $(node --version)"
        ;;
    netdata)
        server="$folder/netdata"
        total="--total-from none --settle 4"
        version=$(/usr/sbin/netdata -v 2>/dev/null | head -n 1)
        ;;
    collectd)
        server="/usr/sbin/collectd -f -C $folder/collectd.conf"
        total="--total-from none --settle 2"
        version=$(/usr/sbin/collectd -h | sed -n 's/^\(collectd [0-9.]*\).*/\1/p')
        ;;
    esac
}
printf '#!/bin/sh\ncat %s/total\n' "$folder" >"$folder/read"
chmod +x "$folder/read"

number() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
measure() { # command options...
    command=$1
    shift
    timeout 150 $bench "$command" --pin 0 --server-cpu 1 --to "udp:127.0.0.1:$port" --server "$server" \
        --server-log "$folder/log" $total "$@" 2>>"$folder/errors"
}
million() { awk '{ printf "%.2f", $1 / 1e6 }'; }

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), kernel $(uname -r)"
echo "receive buffer: rmem_max $(cat /proc/sys/net/core/rmem_max), rmem_default $(cat /proc/sys/net/core/rmem_default)"
echo "lossless million lines/s packed and one line a datagram; CPU seconds a million lines at a quiet"
echo "100,000 lines/s, packed and single; MiB at the start, 12 s after 100,000 counters came, and at most"
for peer in ${PEERS:-heeler statsd netdata collectd}; do
    choose "$peer"
    case $peer in heeler) rate=20M one=800k ;; netdata) rate=4M one=500k ;; *) rate=500k one=100k ;; esac
    packed=$(measure find-lossless --profile plain --rate $rate --window "$window" | number lossless_lines_per_s | million)
    single=$(measure find-lossless --profile single --rate $one --window "$window" | number lossless_lines_per_s | million)
    quiet=$(measure cost --profile plain --rate 100k --seconds 6 | number cpu_seconds_per_million_lines)
    quiet_single=$(measure cost --profile single --rate 100k --seconds 6 | number cpu_seconds_per_million_lines)
    memory=$(measure cost --profile plain --rate 100k --contexts 100000 --lines 300000 --rest 12)
    [ -n "$packed$single" ] || tail -n 3 "$folder/errors" "$folder/log"
    printf '%-9s %7s %7s   %7s %7s   %7s %7s %7s   %s\n' "$peer" "${packed:--}" "${single:--}" \
        "${quiet:--}" "${quiet_single:--}" "$(echo "$memory" | number start_mib)" \
        "$(echo "$memory" | number resident_mib)" "$(echo "$memory" | number peak_mib)" "$version"
done
