#!/bin/sh
# A page of docs/ on standard input, and on standard output with the tables of PROGRAM. What stands between <!-- name --> and <!-- /name --> is replaced.
#   tables.sh PROGRAM <docs/settings.md
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

{
    echo '| setting | variable | type | default | allowed | takes | what it is |'
    echo '|---|---|---|---|---|---|---|'
    build/tables settings-markdown
} >"$folder/options"
{
    echo '| family | type | what it is |'
    echo '|---|---|---|'
    "$program" --metrics-list | sed 's/^\([^ ]*\) *\([^ ]*\) *\(.*\)$/| `\1` | \2 | \3 |/'
} >"$folder/metrics"
{
    echo '| function | what it gives |'
    echo '|---|---|'
    "$program" --functions-markdown
} >"$folder/functions"
{
    echo '| id | what it is |'
    echo '|---|---|'
    build/tables lint-markdown
} >"$folder/lint"
for name in $("$program" --help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' | grep -v '^heeler$'); do
    [ ! -s "$folder/commands" ] || echo
    printf '## heeler %s\n\n```text\n' "$name"
    "$program" help "$name"
    echo '```'
done >>"$folder/commands"

awk -v folder="$folder" '
    /^<!-- \/[a-z]+ -->$/ { skipping = 0 }
    !skipping { print }
    /^<!-- [a-z]+ -->$/ {
        file = folder "/" $2
        print ""
        while ((getline line < file) > 0) print line
        print ""
        skipping = 1
    }'
