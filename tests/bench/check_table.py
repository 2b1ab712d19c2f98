"""What the tables of the benches compute, held against numbers made up by hand."""
import http.server
import pathlib
import sys
import threading
import time
import types
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "table")]
import callgrind  # noqa: E402
import monitored  # noqa: E402
import picture  # noqa: E402
import results  # noqa: E402
import rows  # noqa: E402
import sides  # noqa: E402
import watchers  # noqa: E402


def looks(additions, share=1):
    return [{"additions": count, "share": share} for count in additions]


def result(side, values, row="tagged", unit="M lines/s", better="more", bars=None, probes=()):
    row = types.SimpleNamespace(name=row, group=row, what="77 bytes, 4 tags", unit=unit, better=better, bars=bars or {})
    who = types.SimpleNamespace(name=side, revision="abc", code_path="avx2,aes")
    samples = [{"value": value, "why": "it lost all", "probes": looks(probes), "detail": {"MiB peak": 12.5}}
               for value in values]
    return results.result(row, who, samples, max(probes, default=0))


def medians_and_ratios_are_those_of_neighbours():
    assert results.median([3, 1, 2]) == 2
    assert results.median([4, 1, 2, 3]) == 2.5
    # The machine was at half its speed in the second turn: no ratio shows it.
    ratio = results.ratio("bare", [6, 3, 8], [12, 6, 10], 0.5)
    assert (ratio["median"], ratio["least"], ratio["most"], ratio["passed"]) == (0.5, 0.5, 0.8, True)
    # A turn that failed has no neighbour.
    assert results.ratio("bare", [6, None, 8], [12, 6, None])["values"] == [0.5]
    assert results.ratio("bare", [None], [1]) is None
    assert results.ratio("base", [30], [40], 0.75, "less")["passed"]
    assert not results.ratio("base", [31], [40], 0.75, "less")["passed"]


def a_failed_turn_is_counted_and_a_failed_row_says_why():
    some = result("heeler", [7, None, 6.5])
    assert (some["turns"], some["failed"], some["least"], some["median"]) == (3, 1, 6.5, 6.75)
    assert some["detail"] == {"MiB peak": 12.5}
    none = result("heeler", [None])
    assert none["failed"] == 1 and "it lost all" in results.line(none)


def a_core_is_told_by_the_best_probe():
    assert results.count_own(looks([3.4, 1.7, 3.3]), 3.4) == 2
    assert results.count_own(looks([1.7, 1.8]), 1.8) == 0  # also where it was shared all the time
    assert results.count_own(looks([4.9, 2.6]), 4.9) == 1  # a core with more adders
    assert results.count_busy(looks([3.4], 0.99) + looks([3.4], 0.5)) == 1
    assert results.core({"own": 2, "busy": 1, "of": 2}) == "core of its own, CPU busy 1/2"
    assert "core of its own 1/2" in results.line(result("heeler", [7], probes=(3.4, 1.7)))
    assert "core shared" in results.line(result("heeler", [7], probes=(1.7, 1.7)))


def bars_go_the_way_that_is_better():
    assert result("heeler", [24], unit="ns/line", better="less", bars={"value": 25})["passed"]
    assert not result("heeler", [24], bars={"value": 25})["passed"]
    assert "bar 25.0 MISSED" in results.line(result("heeler", [24], bars={"value": 25}))


def tables_have_a_cell_for_each_figure():
    bare, heeler = result("bare", [12, 12]), result("heeler", [6, 9])
    heeler["ratios"] = [results.ratio("bare", [6, 9], [12, 12], 0.5)]
    text = results.sides_table([bare, heeler])
    assert "| 12.0 |" in text and "| 7.50 (6.00–9.00) |" in text and "0.625 (0.500–0.750, bar 0.500)" in text
    assert text == results.sides_table([heeler, bare])
    assert len({line.count("|") for line in text.splitlines()}) == 1
    assert "| heeler abc |" in results.peers_table([bare, heeler])
    one = result("heeler", [420], "instructions-77", "instructions/line", "less", {"value": 430})
    one["detail"] = {"parse": 200, "hash": 220}
    assert "| 200 | 220 | 420 | 430 |" in results.stages_table([one])


def the_picture_is_xml_with_a_bar_for_each_figure():
    found = [result("bare", [12]), result("heeler", [6]), result("heeler", [None], row="smp")]
    tree = xml.etree.ElementTree.fromstring(picture.draw(found))
    bars = tree.findall("{http://www.w3.org/2000/svg}rect")
    assert [bar.get("width") for bar in bars] == ["330", "165"]


CALLGRIND = """events: Ir
fl=(1) protocol/parse.c
fn=(1) parse_next
10 100
fi=(2) protocol/scan.h
20 7
fi=(7) protocol/scan_paths.h
20 2
fe=(1)
11 1
cfi=(3) ./string/memchr.S
cfn=(2) __memchr_avx2
calls=5 30
12 50
cfi=(4) server/receive/fingerprint.c
cfn=(3) fingerprint_hash
calls=5 30
12 900

fl=(4)
fn=(3)
+1 40

fl=(5) bench/bench_ingest.c
fn=(4) feed
1 1000
cfi=(3)
cfn=(2)
calls=1 1
* 77

fl=(3)
fn=(2)
30 127

fl=(6) server/receive/table.c
fn=(5) table_look
1 30
fi=(4)
-3 3

fl=(8) server/receive/table_place.c
fn=(6) place_by_aes
1 5
fi=(9) /usr/lib/gcc/x86_64-linux-gnu/12/include/wmmintrin.h
2 16
"""


def instructions_belong_to_the_stage_of_their_line():
    counts = callgrind.instructions(CALLGRIND.splitlines())
    # What of libc parse_next calls is its own; what the bench calls is nobody's.
    expected = {"parse": 158, "scan": 2, "hash": 59, "look": 30, "place": 5}
    assert {stage: count for stage, count in counts.items() if count} == expected, counts


def rows_are_chosen_by_name_or_group():
    assert [row.name for row in rows.chosen(["stream"], ["heeler"])] == ["stream"]
    assert {row.name for row in rows.chosen(["tags"], ["heeler"])} == {"tagged", "stream"}
    assert not any(row.asked for row in rows.chosen([], ["heeler"]))
    try:
        rows.chosen(["fast"], ["heeler"])
        raise AssertionError("an unknown row was taken")
    except SystemExit as why:
        assert "fast" in str(why)
    names = [row.name for row in rows.ROWS]
    assert len(names) == len(set(names))
    assert all(not row.of or row.of in names for row in rows.ROWS)


class Shop(http.server.BaseHTTPRequestHandler):
    """Answers, and streams until the reader goes."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        is_stream = self.path.startswith("/api/v1/tail")
        self.send_response(404 if self.path.startswith("/api/v1/events") else 200)
        self.send_header(*(("Connection", "close") if is_stream else ("Content-Length", "2")))
        self.end_headers()
        try:
            self.wfile.write(b"{}")
            while is_stream:
                self.wfile.write(b"x" * 65536)
        except OSError:
            self.close_connection = True

    def log_message(self, *unused):
        pass


def watchers_tell_what_they_had():
    shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    shop.daemon_threads = True
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    crowd = watchers.Crowd(f"127.0.0.1:{shop.server_address[1]}", {kind: 1 for kind in watchers.KINDS}, "a.b")
    asking = [one for some in crowd.of.values() for one in some]
    deadline = time.monotonic() + 60
    while not all(one.had["bytes"] for one in asking) and time.monotonic() < deadline:
        time.sleep(0.01)
    had = crowd.end()
    shop.shutdown()
    assert all(count["bytes"] > 0 for count in had.values()), had
    assert had["page"]["status 404"] >= 1 and had["page"]["answers"] >= 6, had
    assert had["stopped"]["opened"] == 1 and "answers" not in had["tail"], had


def rounds_of_monitors_are_told_behind_their_minute():
    page = "# HELP x\nheeler_monitor_evaluations_total {}\nheeler_monitor_groups 100000\n" \
           "heeler_monitor_evaluations_late_total 0\n"
    seen = monitored.Looks("http://127.0.0.1:1/")
    for evaluations, now_s in ((0, 10), (1000, 14), (1400, 62.5), (2000, 63.5), (2000, 64), (3000, 124.5)):
        seen.take(monitored.parse(page.format(evaluations)), now_s)
    assert seen.behind() == {"s behind the minute": 4, "s behind at most": 4.5}, seen.behind()
    assert seen.wrong(1000) == "", seen.wrong(1000)
    assert "100000 groups" in seen.wrong(0)
    assert "could not be read" in monitored.Looks("").wrong(1000)


def more_of_a_turn_is_had_of_the_row_before():
    row = next(row for row in rows.ROWS if row.name == "monitored-seal")
    assert row.of == "unmonitored-seal"
    rows.LAST["monitored"] = {"ms longest seal": 2.5}
    assert row.measure(row, None, None, 2) == {"value": 2.5}
    rows.LAST.clear()
    try:
        row.measure(row, None, None, 2)
    except rows.Failed as why:
        assert "monitored has no figures" in str(why)
    else:
        raise AssertionError("a figure of no turn")


def a_code_path_is_read_or_known():
    assert sides.CODE_PATH.search("heeler 0.1.0 (avx2, vaes256)").groups() == ("avx2", "vaes256")
    assert sides.CODE_PATH.search("scan avx512, hash vaes512").groups() == ("avx512", "vaes512")
    assert sides.chosen_before({"avx512bw", "vaes", "bmi2"}, False) == "avx512,vaes512"
    assert "xxh3" in sides.chosen_before({"avx512bw", "vaes", "bmi2"}, True)


for name, check in list(globals().items()):
    if callable(check) and getattr(check, "__module__", "") == "__main__" and name not in ("result", "looks", "Shop"):
        check()
        print(f"  ok {name}")
