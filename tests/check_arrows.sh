#!/bin/sh
# Each folder includes only what feeds it:
#   server -> flush -> protocol, anyone -> config; bench and tests include anything.
bad=0

allow() { # folder what-it-may-include
    found=$(grep -rnE --include='*.[ch]' '^[ \t]*#[ \t]*include[ \t]*"' "$1" |
        grep -vE "\"($2)/[^\"]*\"")
    [ -z "$found" ] && return
    echo "$1/ includes what it may not:"
    echo "$found"
    bad=1
}

allow config 'config'
allow protocol 'protocol'
allow flush 'flush|protocol|config'
allow server 'server|flush|protocol|config'
exit $bad
