#!/bin/sh
# `make install` puts files below DESTDIR and nowhere else, where PREFIX, LIBDIR and SYSCONFDIR
# say, and the unit names them there.
#   check_install.sh PROGRAM
set -eu
program=$1
to=$(mktemp -d)
trap 'rm -rf "$to"' EXIT

fail() {
    echo "$*"
    exit 1
}

install_to() { # FOLDER VARIABLE=VALUE...
    folder=$1
    shift
    env -u MAKEFLAGS -u MAKELEVEL -u PREFIX make --no-print-directory B="${program%/*}" DESTDIR="$folder" "$@" install >"$to/log" 2>&1 ||
        fail "make install $*: $(cat "$to/log")"
}

install_to "$to/plain"
(cd "$to/plain" && find . -type f | sort) >"$to/files"
{ cat; find server/checks -mindepth 2 -name '*.py' | sed 's|^server|./usr/local/lib/heeler|'; } <<END | sort >"$to/expected"
./usr/local/bin/heeler
./usr/local/bin/heeler-calendar
./usr/local/bin/heeler-chart
./usr/local/lib/heeler/heeler-checks
./usr/local/lib/systemd/system/heeler-checks.service
./usr/local/lib/systemd/system/heeler.service
./usr/local/lib/systemd/system/heeler.socket
./usr/local/lib/sysusers.d/heeler-checks.conf
./usr/local/lib/tmpfiles.d/heeler-checks.conf
./usr/local/share/bash-completion/completions/heeler
./usr/local/share/man/man1/heeler-calendar.1
./usr/local/share/man/man1/heeler-chart.1
./usr/local/share/man/man1/heeler-checks.1
./usr/local/share/man/man1/heeler.1
./usr/local/share/man/man5/heeler.yaml.5
./usr/local/share/zsh/site-functions/_heeler
END
diff "$to/expected" "$to/files" || fail "other files than expected"
diff packaging/heeler.service "$to/plain/usr/local/lib/systemd/system/heeler.service" || fail "the unit has changed"
diff packaging/heeler-checks.service "$to/plain/usr/local/lib/systemd/system/heeler-checks.service" || fail "that of checks, too"
cmp "$program" "$to/plain/usr/local/bin/heeler"

install_to "$to/packed" PREFIX=/usr LIBDIR=/lib SYSCONFDIR=/etc SERVICE_USER=heeler
unit=$to/packed/lib/systemd/system/heeler.service
grep -qx 'ExecStart=/usr/bin/heeler run $HEELER_OPTIONS' "$unit" || fail "the unit starts another program"
grep -qx 'User=heeler' "$unit" && ! grep -q '^DynamicUser' "$unit" || fail "the unit has another user"
# What /etc/default/heeler says goes before the unit's options.
sed -n '/^Environment="HEELER_OPTIONS=/,/^EnvironmentFile/p' "$unit" >"$to/options"
[ "$(cat "$to/options")" = 'Environment="HEELER_OPTIONS=--config /etc/heeler/heeler.yaml"
EnvironmentFile=-/etc/default/heeler' ] || fail "the unit does not name the settings: $(cat "$to/options")"
checks=$to/packed/lib/systemd/system/heeler-checks.service
grep -qx 'ExecStart=/usr/bin/heeler checks $HEELER_CHECKS_OPTIONS' "$checks" && grep -qx 'User=heeler-checks' "$checks" ||
    fail "the unit of checks starts another program"
sed -n '/^Environment=/,/^EnvironmentFile/p' "$checks" >"$to/options"
[ "$(cat "$to/options")" = 'Environment="HEELER_CHECKS_OPTIONS=--config /etc/heeler/heeler.yaml"
EnvironmentFile=-/etc/default/heeler-checks' ] || fail "the unit of checks does not name the settings: $(cat "$to/options")"
grep -qx 'heeler_api_key_file: /etc/heeler/api_key' "$to/packed/etc/heeler/heeler.yaml" ||
    fail "the settings do not name the file of the key"
