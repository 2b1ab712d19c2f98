#!/bin/sh
# What the tables of the benches compute. They are measured and told by python3, which the
# tests do without: where there is none, there is nothing to check.
set -eu
command -v python3 >/dev/null || { echo "no python3, no tables"; exit 0; }
PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/check_table.py
