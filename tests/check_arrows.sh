#!/bin/sh
# Each folder includes only what feeds it, and no two files include each other in a circle:
#   server -> flush -> protocol, anyone -> config; bench and tests include anything.
bad=0

allow() { # folder folders-it-may-include [files-it-may-include]
    found=$(grep -rHnE --include='*.[ch]' '^[ \t]*#[ \t]*include[ \t]*"' "$1" |
        grep -vE "\"(($2)/[^\"]*|${3:-none})\"")
    [ -z "$found" ] && return
    echo "$1/ includes what it may not:"
    echo "$found"
    bad=1
}

allow config 'config'
allow protocol 'protocol'
allow server 'server|flush|protocol|config'
allow chart 'chart|flush/memory|protocol|config'
allow calendar 'calendar|flush/monitors|protocol|config'

# Within flush/ the files at its top, the spine, know what they need to turn parcels into
# payloads, and no folder knows them. Nothing but server/ knows delivery and fleet.
within() { # folder-of-flush others-that-it-may-include
    allow "flush/$1" "flush/($1${2:+|$2})|protocol|config"
}
within memory
within values 'memory'
within parcels 'memory|values'
within series 'memory|values|parcels'
within snapshots 'memory|values|parcels|series'
within language 'memory'
# The flusher evaluates the conditions of monitors, which know nothing of it.
within rollups 'memory|values|parcels|series|snapshots|language|monitors'
within history 'memory|values|series|rollups|parcels|snapshots'
within monitors 'memory|language'
within notify 'memory|parcels|monitors'
within payloads 'memory|values|parcels|series'
within redis 'memory'
within delivery 'memory|rollups|payloads|redis'
within fleet 'memory|values|series|language|rollups|redis'
for file in flush/*.[ch]; do
    allow "$file" 'flush/(memory|values|parcels|series|snapshots|rollups|payloads)|protocol|config' \
        'flush/(flusher|console|timed)[a-z_]*\.h'
done

# Within server/ the files at its top know all of it, and nobody knows them; but the check
# of the settings and the server read the same list of intakes.
allow server/receive 'server/receive|flush/(memory|values|parcels|series|redis)|protocol|config'
allow server/succession 'server/succession|server/receive|flush/(memory|delivery)|protocol|config' \
    'flush/(flusher_loop|history/history)\.h'
allow server/monitors 'server/monitors|server/api|server/http|server/receive|server/pictures|flush/(memory|parcels|language|rollups|monitors|notify)|protocol|config'
allow server/pictures 'server/pictures|flush/memory|protocol|config'
allow server/api 'server/api|server/http|server/receive|flush/(memory|parcels|language|snapshots|rollups|monitors|notify)|protocol|config' \
    'server/monitors/(evaluator|monitors)\.h|server/traces/trace_box\.h'
allow server/http 'server/http|server/api|server/pictures|server/receive|flush/(memory|parcels|language|rollups|delivery)|protocol|config' \
    'flush/(history/history|notify/notify)_ledger.h|server/monitors/(monitor_ledger|monitoring)\.h|server/traces/traces_ledger\.h'
# Spans come by an HTTP server of their own and go on by a lane of their own.
allow server/traces 'server/traces|server/http|flush/(memory|values|parcels|payloads)|protocol|config' \
    'server/receive/(submitter|inherited)\.h|flush/delivery/intake\.h'
# Python, which stands alone.
allow server/checks 'nothing'
allow server/commands 'server/commands|server/pictures|server/succession|server/receive|flush|protocol|config' 'server/sinks.h'

for folder in flush/*/ server/*/; do
    folder=${folder%/}
    grep -qE "^(within ${folder#flush/}|allow $folder)( |\$)" "$0" && continue
    echo "$folder/ has no row in $0"
    bad=1
done

# tsort names the files of a circle. A source and its header are one, and so is the header
# of the parts that a module is made of (X_internal.h).
circle=$(find config protocol flush server chart calendar -name '*.[ch]' -exec awk '
    function module(path) {
        sub(/(_internal)?\.[ch]$/, "", path)
        return path
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, quoted, "\"")
        if (module(FILENAME) != module(quoted[2]))
            print module(FILENAME), module(quoted[2])
    }' {} + | tsort 2>&1 >/dev/null)
if [ -n "$circle" ]; then
    echo "files that include each other:"
    echo "$circle"
    bad=1
fi
exit $bad
