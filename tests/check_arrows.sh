#!/bin/sh
# Each folder includes only what feeds it:
#   server -> flush -> protocol, anyone -> config; bench and tests include anything.
bad=0

allow() { # folder folders-it-may-include [files-it-may-include]
    found=$(grep -rnE --include='*.[ch]' '^[ \t]*#[ \t]*include[ \t]*"' "$1" |
        grep -vE "\"(($2)/[^\"]*|${3:-none})\"")
    [ -z "$found" ] && return
    echo "$1/ includes what it may not:"
    echo "$found"
    bad=1
}

allow config 'config'
allow protocol 'protocol'
allow flush 'flush|protocol|config'
allow server 'server|flush|protocol|config'

# Within server/ the files at its top know all of it, and nobody knows them; but the check
# of the settings and the server read the same list of intakes.
allow server/receive 'server/receive|flush|protocol|config'
allow server/succession 'server/succession|server/receive|flush|protocol|config'
allow server/http 'server/http|server/receive|flush|protocol|config'
allow server/commands 'server/commands|server/succession|server/receive|flush|protocol|config' 'server/sinks.h'
exit $bad
