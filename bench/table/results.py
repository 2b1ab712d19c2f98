"""What is computed from samples: medians, ratios of neighbours, and how they are told.

A result is one object a row and side; bench/README.md names its members. Nothing here
measures, so that tests/check_bench.sh can hold it against numbers made up by hand.
"""

# Of six chains of additions a core of one's own does this many beside one that waits for
# itself, at the least; with another thread on the core it is half of that.
OWN_LEAST = 3.0
OWN_SHARE = 0.8
# A probe that had less of the time than this was not alone on its CPU.
FREE_SHARE = 0.9


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values):
    return {"median": median(values), "least": min(values), "most": max(values), "values": values}


def count_own(probes, best):
    """How many probes of a core saw it alone; `best` is the best probe of the whole run."""
    return sum(probe["additions"] >= OWN_SHARE * max(best, OWN_LEAST) for probe in probes)


def count_busy(probes):
    return sum(probe["share"] < FREE_SHARE for probe in probes)


def neighbours(values, others):
    """Ratios of what was measured one after the other; a failed sample has no ratio."""
    return [value / other for value, other in zip(values, others) if value is not None and other]


def ratio(to, values, others, bar=None, better="more"):
    """None where no two neighbours succeeded."""
    found = neighbours(values, others)
    if not found:
        return None
    result = {"to": to, **spread(found)}
    if bar is not None:
        more = better == "more"
        result["bar"] = bar
        result["passed"] = result["median"] >= bar if more else result["median"] <= bar
    return result


def result(row, side, samples, best_probe):
    """`samples`: what each turn gave, {"value": None, "why": ...} where it failed."""
    good = [sample for sample in samples if sample["value"] is not None]
    probes = [probe for sample in samples for probe in sample.get("probes", [])]
    out = {
        "row": row.name,
        "group": row.group,
        "what": row.what,
        "side": side.name,
        "revision": side.revision,
        "code_path": next((sample["code_path"] for sample in good if "code_path" in sample), side.code_path),
        "unit": row.unit,
        "better": row.better,
        "turns": len(samples),
        "failed": len(samples) - len(good),
        "core": {"own": count_own(probes, best_probe), "busy": count_busy(probes), "of": len(probes),
                 "probes": probes},
        "ratios": [],
    }
    if not good:
        return {**out, "why": samples[-1]["why"] if samples else "no turn"}
    out.update(spread([sample["value"] for sample in good]))
    if all("best" in sample for sample in good):
        out["least"] = min(sample["best"] for sample in good)
    out["at_least"] = any(sample.get("at_least", False) for sample in good)
    names = good[0].get("detail", {})
    out["detail"] = {name: median([sample["detail"][name] for sample in good]) for name in names}
    bar = row.bars.get("value")
    if bar is not None:
        out["bar"] = bar
        out["passed"] = out["median"] >= bar if row.better == "more" else out["median"] <= bar
    return out


# ---- as text --------------------------------------------------------------------------


def number(value):
    """Three digits that count, and no more than three behind the point."""
    for digits, least in ((0, 100), (1, 10), (2, 1)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def between(found):
    return f"{number(found['least'])}–{number(found['most'])}"


def core(found):
    if found["of"] == 0:
        return "core not probed"
    busy = f", CPU busy {found['busy']}/{found['of']}" if found["busy"] else ""
    if found["own"] in (0, found["of"]):
        return ("core of its own" if found["own"] else "core shared") + busy
    return f"core of its own {found['own']}/{found['of']}{busy}"


def told(bar, passed):
    return f", bar {number(bar)} {'passed' if passed else 'MISSED'}"


def line(one):
    """A result in one line."""
    head = f"{one['row']:<20} {one['side']:<9}"
    where = f"[{one['code_path']}{'; ' + core(one['core']) if one['core']['of'] else ''}]"
    if "median" not in one:
        return f"{head} not measured: {one['why']}  {where}"
    text = f"{head} {'>=' if one['at_least'] else '  '}{number(one['median']):>7} {one['unit']}"
    if one["turns"] > 1 or one["least"] != one["most"]:
        text += f" ({between(one)}, {one['turns']} turns)"
    if "bar" in one:
        text += told(one["bar"], one["passed"])
    if one["failed"]:
        text += f" ({one['failed']} failed)"
    for found in one["ratios"]:
        text += f"  {number(found['median'])} of {found['to']}"
        text += f" ({between(found)})" if len(found["values"]) > 1 else ""
        text += told(found["bar"], found["passed"]) if "bar" in found else ""
    detail = ", ".join(f"{name} {number(value)}" for name, value in one["detail"].items())
    return f"{text}  {where}" + (f"\n{'':31}{detail}" if detail else "")


# ---- as tables of bench/README.md -----------------------------------------------------


def cell(one):
    if one is None or "median" not in one:
        return ""
    if one["row"] == "memory":
        return " / ".join(number(value) for value in [*one["detail"].values(), one["median"]])
    text = f"{'at least ' if one['at_least'] else ''}{number(one['median'])}"
    return text + (f" ({between(one)})" if one["least"] != one["most"] else "")


def ratio_cell(one, to):
    for found in one["ratios"] if one else []:
        if found["to"] == to:
            said = [between(found)] if len(found["values"]) > 1 else []
            said += [f"bar {number(found['bar'])}"] if "bar" in found else []
            return number(found["median"]) + (f" ({', '.join(said)})" if said else "")
    return ""


def rows_of(results):
    return list(dict.fromkeys(one["row"] for one in results))


def sides_of(results):
    return list(dict.fromkeys(one["side"] for one in results))


def find(results, row, side):
    return next((one for one in results if (one["row"], one["side"]) == (row, side)), None)


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(line) + " |" for line in lines])


def sides_table(results):
    """A row for each row and a column for each side, Heeler last, and the ratios of neighbours."""
    results = [one for one in results if one["group"] != "aggregates"]  # too many to print
    sides = sorted(sides_of(results), key=lambda side: side == "heeler")
    ratios = list(dict.fromkeys(found["to"] for one in results for found in one["ratios"]))
    lines = []
    for row in rows_of(results):
        of_row = [find(results, row, side) for side in sides]
        some = next(one for one in of_row if one)
        last = next(one for one in reversed(of_row) if one)
        lines.append([f"`{row}`: {some['what']}, {some['unit']}"] + [cell(one) for one in of_row] +
                     [ratio_cell(last, to) for to in ratios] + [core(last["core"])])
    return table(["row"] + sides + [f"of {to}" for to in ratios] + ["core"], lines)


def peers_table(results):
    """A row for each server and a column for each row."""
    rows = rows_of(results)
    named = {one["row"]: one for one in results}
    lines = [[find_version(results, side)] + [cell(find(results, row, side)) for row in rows]
             for side in sides_of(results)]
    return table(["server"] + [f"{named[row]['what']}, {named[row]['unit']}" for row in rows], lines)


def find_version(results, side):
    return next(f"{side} {one['revision']}".strip() for one in results if one["side"] == side)


def stages_table(results):
    """Instructions a line by stage."""
    with_detail = [one for one in results if one.get("detail")]
    stages = list(dict.fromkeys(stage for one in with_detail for stage in one["detail"]))
    lines = [[f"{one['what']}, {one['side']}"] +
             [number(one["detail"].get(stage, 0)) for stage in stages] +
             [f"{number(one['median'])}", f"{number(one['bar'])}" if "bar" in one else "",
              one["code_path"]] for one in with_detail]
    return table(["line"] + stages + ["all", "bar", "code path"], lines)
