"""Instructions by stage, from the files that callgrind writes."""
import re

OURS = re.compile(r"(?:^|/)((?:config|protocol|flush|server)/.*)$")
# The file of a line decides, also where the line was inlined; that of its function where this is a
# header that everybody uses; otherwise the function's name.
FILES = [(re.compile(pattern), stage) for pattern, stage in (
    (r"^protocol/scan(?!\.h)", "scan"),
    (r"^protocol/(?!scan\.h|slice\.h)", "parse"),
    (r"^server/receive/fingerprint", "hash"),
    (r"^server/receive/ingest", "ingest"),
)]
FUNCTIONS = [(re.compile(pattern), stage) for pattern, stage in (
    (r"^(scan_|lines_)", "scan"),
    (r"^(parse_|sample_|number_|slice_)", "parse"),
    (r"^(fingerprint_|XXH|hash_)", "hash"),
    (r"^(ingest_|take_|place_until|look_until|add_until|move_up|add_waiting)", "ingest"),
    (r"^(table_place|place_by_)", "place"),
    (r"^table_look", "look"),
    (r"^(table_add|add_|find_cell|slots_)", "add"),
)]
STAGES = ["parse", "hash", "scan", "ingest", "add", "look", "place", "other"]


def ours(path):
    found = OURS.search(path)
    return found.group(1) if found else None


def stage_of(line_file, function_file, function):
    """None: not of the path of a line (the bench itself, libc on its own account)."""
    if ours(function_file) is None and not function.startswith("XXH"):
        return None
    for file in (line_file, function_file):
        for pattern, stage in FILES:
            if pattern.search(ours(file) or ""):
                return stage
    for pattern, stage in FUNCTIONS:
        if pattern.search(function):
            # The hash is inlined where samples are placed, as the compiler's or XXH3's headers have it.
            return "hash" if stage == "place" and ours(line_file) is None else stage
    return "other"


def instructions(lines):
    """Counts by stage. What code of ours calls of libc is counted with the caller."""
    names = {}
    counts = dict.fromkeys(STAGES, 0)
    function_file = line_file = function = called = called_file = ""
    is_call = False

    def name(kind, text):
        found = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not found:
            return text
        if found.group(2) is not None:
            names[kind, found.group(1)] = found.group(2)
        return names[kind, found.group(1)]

    for text in lines:
        key, equals, value = text.rstrip("\n").partition("=")
        if equals and key == "fl":
            function_file = line_file = name("file", value)
        elif equals and key in ("fi", "fe"):
            line_file = name("file", value)
        elif equals and key == "fn":
            function = name("function", value)
            line_file = function_file
        elif equals and key == "cfn":
            called = name("function", value)
        elif equals and key in ("cfi", "cfl"):
            called_file = name("file", value)
        elif equals and key == "calls":
            is_call = True
        elif re.match(r"[+*\-\d]", text):
            parts = text.split()
            stage = stage_of(line_file, function_file, function)
            counted = not is_call or stage_of(called_file or line_file, called_file or function_file,
                                              called) is None
            if stage is not None and counted and len(parts) > 1:
                counts[stage] += int(parts[1])
            if is_call:
                called_file = ""
            is_call = False
    return counts
