#!/bin/sh
# Fails when a setting or metric family of PROGRAM is missing from README.md or
# described otherwise there; `make readme` puts that right.
#   check_readme.sh PROGRAM
set -eu
program=$1
made=$(mktemp)
trap 'rm -f "$made"' EXIT

for name in options metrics; do
    for marker in "<!-- $name -->" "<!-- /$name -->"; do
        grep -qxF "$marker" README.md || {
            echo "README.md has no line $marker"
            exit 1
        }
    done
done
sh tests/tools/readme.sh "$program" <README.md >"$made"
# Standing alone, an empty answer of the program would be an empty table.
[ "$(grep -c '^| `heeler_.*` | `DD_HEELER_' "$made")" -gt 0 ]
[ "$(grep -c '^| `heeler_.*_total` | counter ' "$made")" -gt 0 ]
diff README.md "$made" || {
    echo "README.md and the program differ (< README.md, > program): run make readme"
    exit 1
}
