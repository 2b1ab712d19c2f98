#!/bin/sh
# Pages of docs/, each as a file of TO with the tables of PROGRAM: what stands between <!-- name --> and
# <!-- /name --> is replaced.
#   tables.sh PROGRAM TO PAGE...
set -eu
program=$1
to=$2
shift 2
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

mkdir -p "$to"
awk -v folder="$folder" -v to="$to/" '
    FNR == 1 {
        page = FILENAME
        sub(/.*\//, to, page)
    }
    /^<!-- \/[a-z]+ -->$/ { skipping = 0 }
    !skipping { print >page }
    /^<!-- [a-z]+ -->$/ {
        file = folder "/" $2
        print "" >page
        while ((getline line < file) > 0) print line >page
        print "" >page
        skipping = 1
    }' "$@"
