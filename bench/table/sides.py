"""Who is measured: Heeler as built here or at another commit, the bare receiver, and
servers of others. A side tells how it is started and how its books are read."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

BENCH = "build/bench/heeler-bench"
PEERS = pathlib.Path("bench/peers")
CODE_PATH = re.compile(r"\b(plain|sse2|avx2|avx512|neon)\b[^,\n]*,\s*(?:\w+ )?(xxh3|aes|vaes256|vaes512)\b")


def output(*command, **environment):
    """What a command says, also where it says it with an error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **environment})
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def processor():
    """The flags and the name of the processor, as /proc/cpuinfo has them."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M)
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    return set(flags.group(1).split() if flags else []), name.group(1) if name else os.uname().machine


def chosen_before(flags, forced_plain):
    """The code path of a commit that does not name it: there were two of each."""
    if forced_plain or "avx512bw" not in flags:
        return "sse2,xxh3" if os.uname().machine == "x86_64" else "plain,xxh3"
    return "avx512,vaes512" if {"bmi2", "vaes"} <= flags else "avx512,xxh3"


class Ground:
    """One measurement: a folder and ports of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="heeler-bench-"))
        self.port = self.free_port(socket.SOCK_DGRAM)
        self.http = self.free_port(socket.SOCK_STREAM)
        self.log = self.folder / "log"

    @staticmethod
    def free_port(kind):
        with socket.socket(socket.AF_INET, kind) as found:
            found.bind(("127.0.0.1", 0))
            return found.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, way):
        return {"udp": f"udp:127.0.0.1:{self.port}", "unix": f"unix:{self.folder}/datagram.sock",
                "stream": f"stream:{self.folder}/stream.sock"}[way]

    def metrics(self):
        return f"http://127.0.0.1:{self.http}/metrics"

    def fill(self, template, to):
        """A file of bench/peers with the folder and ports of this measurement."""
        text = template.read_text()
        for name, value in (("@FOLDER@", self.folder), ("@PORT@", self.port), ("@HTTP@", self.http),
                            ("@HERE@", pathlib.Path.cwd()), ("@USER@", output("id", "-un").strip())):
            text = text.replace(name, str(value))
        path = self.folder / to
        path.write_text(text)
        return path


class Side:
    pace = 1.0  # of the rate at which a search for Heeler begins
    kind = "peer"
    revision = ""
    code_path = "its own"
    environment = {}

    def program(self, name):
        return None

    def server(self, ground, row):
        """The command, and the options that tell heeler-bench how to read its books."""
        raise NotImplementedError


class Heeler(Side):
    kind = "heeler"

    def __init__(self, name, build, revision, forced_plain=False, cpu=""):
        self.name, self.build, self.revision = name, build, revision
        self.environment = {"HEELER_CPU": cpu} if cpu else {}
        self.forced_plain = forced_plain
        self.code_path = self.path(processor()[0])

    def path(self, flags, *below):
        """What the program says that it takes, started below another; older ones are known."""
        found = CODE_PATH.search(output(*below, f"{self.build}/heeler", "--version", **self.environment))
        return ",".join(found.groups()) if found else chosen_before(flags, self.forced_plain)

    def path_under_valgrind(self):
        """It shows AVX2 and AES-NI at most."""
        return self.path(set(), "valgrind", "-q", "--tool=none")

    def program(self, name):
        return f"{self.build}/bench/{name}"

    def server(self, ground, row):
        settings = {
            "dogstatsd_port": ground.port,
            "dogstatsd_socket": ground.folder / "datagram.sock",
            "dogstatsd_stream_socket": ground.folder / "stream.sock",
            "heeler_http_listen": f"127.0.0.1:{ground.http}",
            **row.settings,
        }
        command = f"{self.build}/heeler" + "".join(f" --set {name}={value}"
                                                   for name, value in settings.items())
        return command, ["--total-from", ground.metrics()]


class Bare(Side):
    """Receives and discards: what no server can be faster than."""
    name = kind = "bare"
    code_path = "none"

    def server(self, ground, row):
        return f"{BENCH} sink --udp 127.0.0.1:{ground.port} --receive-buffer 67108864", []


class Statsd(Side):
    name = "statsd"
    pace = 0.025

    def __init__(self):
        package = pathlib.Path("bench/peers/node_modules/statsd/package.json")
        version = re.search(r'"version": "(.*?)"', package.read_text() if package.exists() else "")
        self.revision = f"{version.group(1) if version else ''}, node {output('node', '--version').strip()}"

    def server(self, ground, row):
        settings = ground.fill(PEERS / "statsd.js.in", "statsd.js")
        (ground.folder / "total").write_text("0")
        return (f"node bench/peers/node_modules/statsd/stats.js {settings}",
                ["--read-total", f"cat {ground.folder}/total", "--settle", "2", "--books-wait", "4"])


class Netdata(Side):
    name = "netdata"
    pace = 0.2

    def __init__(self):
        version = re.search(r"^netdata v?([0-9.]+)", output("/usr/sbin/netdata", "-v"), re.M)
        self.revision = version.group(1) if version else ""

    def server(self, ground, row):
        settings = ground.fill(PEERS / "netdata.conf.in", "netdata.conf")
        return (f"/usr/sbin/netdata -D -c {settings}", ["--total-from", "none", "--settle", "4"])


class Collectd(Side):
    name = "collectd"
    pace = 0.025

    def __init__(self):
        version = re.search(r"^collectd ([0-9.]*)", output("/usr/sbin/collectd", "-h"), re.M)
        self.revision = version.group(1).rstrip(".") if version else ""

    def server(self, ground, row):
        settings = ground.fill(PEERS / "collectd.conf.in", "collectd.conf")
        return (f"/usr/sbin/collectd -f -C {settings}", ["--total-from", "none", "--settle", "2"])
