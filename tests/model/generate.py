"""Random DogStatsD traffic: valid, odd and broken lines of every kind.

The same seed gives the same lines. Each type has names of its own, but for the
few whose point is to share one."""

import random

NUMBERS = ["0", "-0", "5.", ".5", "+7", "1e3", "1E-3", "2.5e+2", "0x1p-2", "0X1.8p1", "0x_1p4", "1_000",
           "1_0.2_5", "1e1_0", "3.0000000001", "123456789.123456789", "9007199254740993", "1e-320", "4e-324",
           "-1e-9", "9.9e-10", "0.1", "100000000000000000000000"]
NOT_FINITE = ["inf", "-Inf", "+INFINITY", "nan", "NaN"]
BAD_NUMBERS = ["", "x", "1,5", " 1", "1 ", "0x10", "0b1", "1__0", "_1", "1_", "1_.5", "1e", "1e400", "-1e400",
               "0x1p5000", "+nan", ".", "--1", "1e_5", "1f", "infin", "0x.p1", "\u00b9"]
RATES = ["1", "0.5", "0.1", "0.25", ".3", "0.7", "1e-3", "0x1p-3", "2", "0", "inf", "1_0"]
BAD_RATES = ["", "x", "0.5 ", "1e999", "--1"]
TAGS = ["env:prod", "env:Prod", "a", "b", "b:", ":b", "", "tag with blanks ", "k:v:w", "t\u00e9", "\xff\xfe", "\x00", "x=y",
        "dd.internal.other:x", "Host:a", "device:sda", "dd.internal.resource:disk:sdb"]
INTERNAL = ["dd.internal.entity_id:pod", "dd.internal.entity_id:none", "dd.internal.card:high",
            "dd.internal.card:low", "dd.internal.jmx_check_name:kafka"]
HOSTS = ["host:", "host:other", "host:h\u00f6st", "host:" + "h" * 255, "host:" + "h" * 256]
FIELDS = ["c:ci-0123abcd", "c:in-42", "c:legacy", "e:it-true,cn-web,pu-1", "card:high", "card:odd", "zz", "", "", "x:y|z",
          "t5", "c:"]
BAD_LINES = ["", "\r", " ", "|", ":", "::|c", ":1|c", "a", "a:1", "a:|c", "a:1|", "a:1|x", "a:1|C", "a:1|g ", "a|c",
             "a:1|cc", "a:1:|s", "a::|c", "a:1|c|@", "a:1|g|T", "a:1|g|T0", "a:1|g|T-1", "a:1|g|T1.5",
             "a:1|g|T99999999999999999999", "a:1|g|T1_0", "a:1|c|@x|@1", "_e{", "_e{}:", "_e{1,1}", "_e{0,1}:|x",
             "_e{1,-1}:x|", "_e{5,4}:titl|text", "_e{a,1}:x|y", "_e{ 1,1}:x|y", "_e{9223372036854775807,9}:x|y",
             "_e{99999999999999999999,1}:x|y", "_sc", "_sc|", "_sc||0", "_sc|a", "_sc|a|4", "_sc|a|", "_sc|a|00",
             "_score:1|c", "_sc_total:1|c", "\x00\x01\x02", "\xff" * 40, "a" * 400, "_event:x|c"]


class Generator:
    def __init__(self, seed, now):
        self.random = random.Random(seed)
        self.now = int(now)
        # Names that no series may have stand among them: no letter, too long.
        self.names = {kind: [f"{kind}.metric_{i}" for i in range(40)] for kind in ("c", "g", "s", "h", "d")}
        for kind, names in self.names.items():
            names += [f"{kind}.caf\u00e9", f"{kind} with blanks", f"{kind}/odd#@,\x01",
                      f"{kind}." + "l" * 340, f"{kind}." + "l" * 348, f"{kind}." + "l" * 349]
            names += [f"{ord(kind)}.{ord(kind)}"] if kind != "h" else []
        for kind in "gchd":     # two types under one name; a gauge and a set would clash
            self.names[kind].append("shared")

    def chance(self, share):
        return self.random.random() < share

    def pick(self, choices):
        return self.random.choice(choices)

    def number(self, kind):
        roll = self.random.random()
        if roll < 0.02:
            return self.pick(NOT_FINITE)
        if roll < 0.10:
            return self.pick(NUMBERS)
        if roll < 0.5:
            return str(self.random.randint(-50, 1000))
        if roll < 0.52:
            return repr(self.random.uniform(-1, 1) * 10.0 ** self.random.randint(-30, 60))
        return repr(round(self.random.lognormvariate(3, 2), self.random.randint(0, 9)))

    def values(self, kind):
        if kind == "s":
            return self.pick([str(self.random.randint(0, 300)), "a:b", " ", ":", "\u00e9\xff", "nan", "1e400"])
        if kind == "h" and self.chance(0.01):       # a plain sum of them is 0
            return "1:1e17:1:-1e17"
        count = self.random.randint(2, 30) if self.chance(0.1) else 1
        numbers = [self.number(kind) for _ in range(count)]
        if count > 1 and self.chance(0.2):
            numbers.insert(self.random.randint(0, count), "")
        if self.chance(0.01):
            numbers.insert(self.random.randint(0, count), self.pick(BAD_NUMBERS))
        return ":".join(numbers)

    def tags(self):
        roll = self.random.random()
        if roll < 0.03:
            return [f"many:{i}" for i in range(self.random.randint(99, 102))]
        if roll < 0.05:
            return ["t:" + "v" * self.random.randint(150, 250)]
        tags = [self.pick(TAGS) for _ in range(self.random.randint(1, 4))]
        if roll < 0.15:
            tags.append(self.pick(INTERNAL))
        if roll > 0.9:
            tags += [self.pick(HOSTS) for _ in range(self.random.randint(1, 2))]
        if roll > 0.8:
            tags.append(tags[0])
        if tags.count("device:sda") > 1:
            tags = [tag for tag in tags if tag != "device:sda"]
        self.random.shuffle(tags)
        return tags

    def timestamp(self):
        if self.chance(0.1):
            return self.now + self.random.randint(4000, 10**9)
        return self.now - self.random.randint(3600, 4 * 3600)

    def fields(self):
        fields = []
        if self.chance(0.25):
            fields.append("@" + self.pick(RATES))
        if self.chance(0.5):
            fields.append("#" + ",".join(self.tags()))
        if self.chance(0.1):
            fields.append(self.pick(FIELDS))
        if self.chance(0.01):
            fields.append("#" + ",".join(self.tags()))
        if self.chance(0.004):
            fields.append("@" + self.pick(BAD_RATES))
        self.random.shuffle(fields)
        return fields

    def metric(self):
        kind = self.pick("ccggshd")
        fields = self.fields()
        if self.chance(0.02):
            fields.append(f"T{self.timestamp()}")
        name = self.pick(self.names[kind])
        wire = "ms" if kind == "h" and self.chance(0.5) else kind
        return "|".join([f"{name}:{self.values(kind)}", wire, *fields])

    def event(self):
        title = self.pick(["title", "t", "two words", "caf\u00e9 \u2603", "back\\nslash", 'quo"te\\', "tab\there", "\x01\x7f"])
        text = self.pick(["", "text", "a|b|c", "line\\nline", "{}", "</script>&", "\u2028", "x" * 300])
        title, text = (part.encode("utf-8").decode("latin-1") for part in (title, text))
        event = f"_e{{{len(title)},{len(text)}}}:{title}|{text}"
        for field in ("d:1700000000", "d:x", "d:-5", "h:evhost", "k:key", "p:low", "p:odd", "s:src", "t:error",
                      "t:success", "t:odd", "c:abc", "m:odd", "#a,b,a", "#host:taghost,dd.internal.card:low"):
            if self.chance(0.15):
                event += "|" + field
        return event

    def check(self):
        check = f"_sc|{self.pick(['app.ok', 'app ok', 'x'])}|{self.pick('0123')}"
        for field in ("d:1700000000", "d:x", "h:schost", "#b,a,b", "#host:taghost", "m:all is well", "m:x:y\\n", "zz", ""):
            if self.chance(0.2):
                check += "|" + field
        return check

    def broken(self):
        if self.chance(0.7):
            return self.pick(BAD_LINES)
        if self.chance(0.5):
            return "".join(chr(self.random.randrange(256)) for _ in range(self.random.randint(1, 60)))
        line = self.pick([self.metric, self.event_with_ascii, self.check])()
        at = self.random.randrange(len(line))
        return line[:at] + self.pick(":|#@,{}\r\x00 9T") + line[at + self.random.randint(0, 2):]

    def event_with_ascii(self):
        return self.event().encode("latin-1").decode("ascii", "ignore")

    def line(self):
        roll = self.random.random()
        if roll < 0.95:
            return self.metric()
        if roll < 0.96:
            return self.event()
        if roll < 0.97:
            return self.check()
        return self.broken()

    def datagrams(self, lines):
        """Lines joined as clients do: LF or CRLF, with and without the last one."""
        datagram, room = [], self.room()
        for _ in range(lines):
            line = (self.line() + ("\r" if self.chance(0.05) else "")).encode("latin-1", "replace")
            if datagram and sum(map(len, datagram)) + len(datagram) + len(line) > room:
                yield self.joined(datagram)
                datagram, room = [], self.room()
            datagram.append(line)
        if datagram:
            yield self.joined(datagram)

    def room(self):
        return self.pick([100, 1400, 4000, 8100, 8191])

    def joined(self, lines):
        return b"\n".join(lines) + (b"\n" if self.chance(0.5) else b"")
