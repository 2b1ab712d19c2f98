#!/bin/bash
# What a release consists of, in a folder: the sources as a commit has them, what the program,
# PROGRAM-chart and PROGRAM-calendar are linked with, and checksums. The same commit gives the same bytes.
#   dist.sh PROGRAM VERSION FOLDER [LEVEL]
# LEVEL is gzip's, 9 without.
set -euo pipefail
program=$1
version=$2
folder=$3
level=${4:-9}
revision=$(git rev-parse HEAD)
name=heeler-$version
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$revision")
export SOURCE_DATE_EPOCH

git diff --quiet HEAD -- || echo "note: what is not committed is not in it" >&2
grep -q "^## $version (20" CHANGELOG.md || echo "note: CHANGELOG.md has no date for $version" >&2
rm -rf "$folder"
mkdir -p "$folder"
# The times in it are the commit's; -n keeps gzip from adding its own.
git archive --format=tar --prefix="$name/" "$revision" | gzip "-${level}n" >"$folder/$name.tar.gz"
bash "${0%/*}/spdx.sh" "$program" "$version" "$revision" >"$folder/$name.spdx.json"
cd "$folder"
sha256sum "$name".* >SHA256SUMS
ls -l
