#!/usr/bin/env python3
"""Measures rows of the table for each side in turns (A B A B ...), because a machine drifts
and neighbours do not, and tells medians, spread and the ratios of neighbours.

    turns.py --sides bare,heeler [--rows "ingest tagged"] [--pairs 3] [--window 2] [--json FILE]

Sides: heeler, bare, base (with --base BUILD --base-revision REV), netdata, collectd, statsd.
bench/README.md describes the rows and the JSON.
"""
import argparse
import datetime
import itertools
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "table"))
import results  # noqa: E402
import rows  # noqa: E402
import sides  # noqa: E402

PEERS = {"netdata": sides.Netdata, "collectd": sides.Collectd, "statsd": sides.Statsd}


def side(name, options):
    if name == "heeler":
        revision = sides.output("git", "rev-parse", "--short", "HEAD").strip()
        dirty = "+" if sides.output("git", "status", "--porcelain", "-uno").strip() else ""
        return sides.Heeler(name, "build", revision + dirty)
    if name == "base":
        plain = "__builtin_cpu_supports" in options.base_cflags
        return sides.Heeler(name, options.base, options.base_revision, plain, options.base_cpu)
    if name == "bare":
        return sides.Bare()
    if name in PEERS:
        return PEERS[name]()
    raise SystemExit(f"there is no side {name}")


def words():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="bare,heeler")
    parser.add_argument("--rows", default="", help="names or groups of rows")
    parser.add_argument("--pairs", type=int, default=1, help="turns of each side")
    parser.add_argument("--window", type=float, default=2, help="seconds of a window of a search")
    parser.add_argument("--json", help="file for the results, an array")
    parser.add_argument("--base", default="", help="folder of the programs of the side base")
    parser.add_argument("--base-revision", default="")
    parser.add_argument("--base-cflags", default="", help="that it was built with")
    parser.add_argument("--base-cpu", default="", help="its HEELER_CPU")
    return parser.parse_args()


def told_machine():
    name = sides.processor()[1]
    return {"processor": name, "cpus": os.cpu_count(), "kernel": os.uname().release,
            "date": datetime.date.today().isoformat()}


def buffers():
    limits = {name: pathlib.Path(f"/proc/sys/net/core/{name}").read_text().strip()
              for name in ("rmem_max", "rmem_default")}
    return ", ".join(f"{name} {value}" for name, value in limits.items())


def take_turns(group, contestants, options):
    """samples[row name, side name]: one for each turn."""
    samples = {(row.name, side.name): [] for row, side in contestants}
    for turn, (row, one) in itertools.product(range(options.pairs), contestants):
        print(f"  {group} {turn + 1}/{options.pairs}: {row.name} {one.name}", file=sys.stderr, flush=True)
        samples[row.name, one.name].append(rows.sample(row, one, options.window))
    return samples


def compare(found, row, one, first, samples):
    """Adds the ratios to the first side of the row and to the row that it is compared with."""
    own = [sample["value"] for sample in samples[row.name, one.name]]
    for to, key, bar in ((first.name, (row.name, first.name), row.bars.get(first.name)),
                         (row.of, (row.of, one.name), row.bars.get(row.of))):
        if key == (row.name, one.name) or key not in samples:
            continue
        ratio = results.ratio(to, own, [sample["value"] for sample in samples[key]], bar, row.better)
        if ratio:
            found["ratios"].append(ratio)


def main():
    options = words()
    everybody = [side(name, options) for name in options.sides.split(",")]
    wanted = rows.chosen(options.rows.split(), [one.kind for one in everybody])
    machine, found, best = told_machine(), [], 0
    print(f"{machine['processor']}, {machine['cpus']} CPUs, kernel {machine['kernel']}, {buffers()}")
    for one in everybody:
        print(f"  {one.name} {one.revision}: {one.code_path}")
    for group, of_group in itertools.groupby(wanted, key=lambda row: row.group):
        of_group = list(of_group)
        contestants = [(row, one) for row in of_group for one in everybody if one.kind in row.kinds]
        samples = take_turns(group, contestants, options)
        best = max([best] + [probe["additions"] for turns in samples.values() for turn in turns
                              for probe in turn["probes"]])
        for row, one in contestants:
            first = next(side for other, side in contestants if other is row)
            result = {**results.result(row, one, samples[row.name, one.name], best), **machine}
            compare(result, row, one, first, samples)
            print(results.line(result), flush=True)
            found.append(result)
        if options.json:
            path = pathlib.Path(options.json)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
