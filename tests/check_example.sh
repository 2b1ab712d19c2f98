#!/bin/sh
# What stands in packaging/ fits the program. packaging/heeler.yaml.example shows the defaults: with its settings uncommented
# PROGRAM accepts it and nothing but the mapper's example changes.
#   check_example.sh PROGRAM
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

effective() { # with the host's name and the settings' origins taken out
    env -i "$program" check --all "$@" 2>"$folder/problems" | sed '/^#/d; s/  ([^()]*)$//'
}
sed 's/^#\([a-z]\|  \)/\1/' packaging/heeler.yaml.example >"$folder/heeler.yaml"
effective >"$folder/default"
effective --config "$folder/heeler.yaml" >"$folder/example"
cat "$folder/problems"
[ ! -s "$folder/problems" ]
[ "$(grep -c = "$folder/default")" -gt 0 ]
diff "$folder/default" "$folder/example" >"$folder/changed" || true
cat "$folder/changed"
[ "$(grep '^[<>]' "$folder/changed" | sed 's/^. \([^ ]*\) .*/\1/' | sort -u)" = dogstatsd_mapper_profiles ]

# The unit makes the folders that the defaults name.
grep -q '^forwarder_storage_path = /var/lib/heeler/' "$folder/default"
grep -q '^StateDirectory=heeler$' packaging/heeler.service
grep -q '^dogstatsd_socket = /var/run/datadog/' "$folder/default"
grep -q '^RuntimeDirectory=datadog heeler$' packaging/heeler.service
grep -q '^Environment=HEELER_HTTP_SOCKET=/run/heeler/http.sock$' packaging/heeler.service
