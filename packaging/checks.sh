#!/bin/sh
# heeler-checks below a folder: the program, and beside it the Python that it runs, as it is written.
# Compiled files are left out; a Python of another version would not read them.
#   checks.sh FOLDER
set -eu
umask 022
to=$1
cd "${0%/*}/../server/checks"
install -D -m 755 heeler-checks "$to/heeler-checks"
mkdir -p "$to/checks"
find . -mindepth 2 -type f -name '*.py' -exec cp --parents --no-preserve=mode -t "$to/checks" {} +
