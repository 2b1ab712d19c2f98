#!/usr/bin/env python3
"""Puts what was measured last into bench/README.md, between the markers of its tables, and
draws bench/results.svg. The JSON of the figures shown is kept in bench/results.

    publish.py [FOLDER]     where the JSON is (build/bench)
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "table"))
import picture  # noqa: E402
import results  # noqa: E402

README, KEPT, PICTURE = (pathlib.Path("bench") / name for name in ("README.md", "results", "results.svg"))
TABLES = {"bench": results.sides_table, "instructions": results.stages_table,
          "against": results.sides_table, "peers": results.peers_table}


def caption(found):
    one = found[0]
    turns = max(each["turns"] for each in found)
    paths = dict.fromkeys(f"{each['side']} {each['revision']}".strip() + f": {each['code_path']}" for each in found
                          if each["side"] in ("heeler", "base"))
    return (f"{one['date']}, {one['cpus']} CPUs of {one['processor']}, kernel {one['kernel']}; {'; '.join(paths)}; "
            + (f"median of {turns} turns (least–most)." if turns > 1 else "one turn each."))


def put(text, name, body):
    """Replaces what is between the markers of a table."""
    marked = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)", re.S)
    if not marked.search(text):
        raise SystemExit(f"{README} has no place for the table {name}")
    return marked.sub(lambda found: f"{found.group(1)}\n{body}\n\n{found.group(2)}", text)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench")
    text = README.read_text()
    for name, table in TABLES.items():
        measured = folder / f"{name}.json"
        if not measured.exists():
            print(f"{measured}: not measured; its table stays as it is")
            continue
        found = json.loads(measured.read_text())
        KEPT.mkdir(exist_ok=True)
        (KEPT / measured.name).write_text(measured.read_text())
        text = put(text, name, f"{caption(found)}\n\n{table(found)}")
        if name == "peers":
            PICTURE.write_text(picture.draw(found))
    README.write_text(text)


if __name__ == "__main__":
    main()
