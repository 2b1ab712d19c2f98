#!/bin/sh
# The image of packaging/Dockerfile without Docker and without a registry: the root from the
# Debian packages of this machine, and the settings of the Dockerfile's last stage, as a file
# for `docker load` or `podman load`.
#   image.sh PROGRAM FILE.tar
set -eu
umask 022
program=$1
file=$2
here=${0%/*}
. "$here/parts.sh"

work=$(mktemp -d)
trap 'rm -rf "$work" "$list" "$list.needed" "$list.owners"' EXIT
"$here/root.sh" "$program" "$work/root"
mkdir "$work/image"
pack "$work/image/layer.tar" "$work/root" .
layer=$(sha256sum "$work/image/layer.tar" | cut -d ' ' -f 1)

# The last stage's instructions as a runtime has them. An instruction that is not known here
# would be missing from the image, so it stops everything.
settings() {
    awk '
        function ns(span) { sub(/.*=/, "", span); sub(/s$/, "", span); return span "000000000" }
        function member(name, value) { printf "%s\"%s\":%s", n++ ? "," : "", name, value }
        function rest() { sub(/^[A-Z]+ +/, ""); return $0 }
        /^FROM / { stage++ }
        { lines[NR] = $0; of[NR] = stage }
        END {
            for (i = 1; i <= NR; i++) {
                $0 = lines[i]
                if (of[i] != stage || /^(#|FROM |COPY |$)/) continue
                if ($1 == "USER") member("User", "\"" $2 "\"")
                else if ($1 == "EXPOSE") member("ExposedPorts", "{\"" $2 "\":{}}")
                else if ($1 == "STOPSIGNAL") member("StopSignal", "\"" $2 "\"")
                else if ($1 == "ENTRYPOINT") member("Entrypoint", rest())
                else if ($1 == "CMD") member("Cmd", rest())
                else if ($1 == "HEALTHCHECK") {
                    test = $0; sub(/.* CMD \[/, "", test)
                    check = "\"Test\":[\"CMD\"," test
                    for (f = 2; f <= NF; f++) {
                        if ($f ~ /^--interval=/) check = check ",\"Interval\":" ns($f)
                        if ($f ~ /^--timeout=/) check = check ",\"Timeout\":" ns($f)
                        if ($f ~ /^--start-period=/) check = check ",\"StartPeriod\":" ns($f)
                        if ($f ~ /^--retries=/) { sub(/.*=/, "", $f); check = check ",\"Retries\":" $f }
                    }
                    member("Healthcheck", "{" check "}")
                } else { print "image.sh does not know " $1 >"/dev/stderr"; exit 1 }
            }
        }' "$here/Dockerfile"
}
settings >"$list"
version=$("$program" --version | cut -d ' ' -f 2)
cat >"$work/image/config.json" <<END
{"architecture":"$(dpkg --print-architecture)","os":"linux","config":{$(cat "$list")},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
END
cat >"$work/image/manifest.json" <<END
[{"Config":"config.json","RepoTags":["heeler:$version"],"Layers":["layer.tar"]}]
END
mkdir -p "$(dirname "$file")"
pack "$file" "$work/image" manifest.json config.json layer.tar
echo "$file: heeler:$version, $(($(stat -c %s "$work/image/layer.tar") / 1024)) KiB"
