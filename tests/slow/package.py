#!/usr/bin/python3
"""The Debian package in a Debian 12 of its own, with systemd running in it (systemd-nspawn).

It is installed, gets its key, is started, gets lines of a real client, shows its page, says which
package draws pictures, is upgraded to those of another build while lines come, draws, goes on with
the old program where the new one refuses the settings, takes its key from a credential, is removed
and purged. Checks in Python run beside it, with the rights of their unit. Its network is one of its own with nothing but loopback, where the intake is, too.
Nothing that was sent may be lost. Needs root, and a mirror of Debian the first time."""

import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import statsd           # Debian: python3-statsd

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Intake  # noqa: E402

OWN = ("heeler.", "datadog.")
OF_CHECKS = ("my_metric", "inside.", "image.")
PATIENCE_S = 60
PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
NEED_CAIRO = {"libcairo2", "libfreetype6", "fonts-dejavu-core"}
NEED_ICAL = {"libical3", "tzdata"}
NEED_PYTHON = {"python3", "python3-yaml"}
CLONE_NEWNET = 0x40000000
FIRST_KEY, SECOND_KEY, THIRD_KEY = "a" * 32, "b" * 32, "c" * 32
EXPOSURE_MOST = 2.0
EXPOSURE_MOST_OF_CHECKS = 2.5      # it sees processes, as a check needs their times
# What a check may do in the bounds of the unit, and what it may not, as a check that fails if it is not so.
INSIDE = '''
import ctypes, os, pwd, socket, subprocess
from datadog_checks.base import AgentCheck

def refused(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return
    raise Exception(f"{action.__name__}{arguments} was not refused")

class Inside(AgentCheck):
    def check(self, instance):
        assert pwd.getpwuid(os.getuid()).pw_name == "heeler-checks"
        refused(open, "/etc/heeler/api_key")
        refused(open, "/etc/default/heeler-checks")
        refused(open, "/etc/heeler/conf.d/new.yaml", "w")
        refused(open, "/usr/lib/heeler/checks/new", "w")
        refused(os.kill, 1, 0)
        refused(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)
        open("/proc/1/stat").read(), open("/proc/meminfo").read()
        assert ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 42)() == 42
        assert subprocess.run(["/bin/echo", "a"], capture_output=True).stdout == b"a\\n"
        socket.create_connection(("127.0.0.1", 8127)).close()
        open("/tmp/scratch", "w").close()
        assert os.environ["SECRET_OF_A_CHECK"] == "s3cret"
        self.write_persistent_cache("n", str(int(self.read_persistent_cache("n") or 0) + 1))
        self.gauge("inside.runs", float(self.read_persistent_cache("n")))
        self.count("inside.count", 2)
'''
# What systemd and the package need, so that it is installed without a network.
INIT_PACKAGES = ["systemd", "systemd-sysv", "dbus"]


def say(text):
    print(f"{time.monotonic() - begin:5.1f} s  {text}", flush=True)


def fail(text):
    print(f"FAIL: {text}", flush=True)
    sys.exit(1)


def must(true, text):
    if not true:
        fail(text)


def until(what, question):
    """The answer of the question, once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    fail(f"{what} did not come true")


class KeyedIntake(Intake):
    """Takes every key, and remembers which there were."""

    def __init__(self):
        super().__init__()
        self.keys = []

    def check_request(self, route, headers, body, fault):
        self.api_key = headers.get("DD-Api-Key")
        self.keys.append(self.api_key)
        super().check_request(route, headers, body, fault)

    def total(self):
        with self.lock:
            return round(sum(value * self.intervals[key] for key, value in self.points.items()
                             if not key[0].startswith(OWN + OF_CHECKS)))


# ---- the system -------------------------------------------------------------

def named(packages, name):
    """Those of this name."""
    return [path for path in packages if pathlib.Path(path).name.startswith(f"{name}_")]


def depends(package):
    """The names of what it depends on, the first of each choice."""
    text = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True,
                          capture_output=True, text=True).stdout
    return [re.split(r"[ |]", choice.strip())[0] for choice in text.split(",")]


def make_root(folder, packages):
    """A Debian 12 below folder, which is left as it is if it has these packages. The folder may
    be / itself: this machine's Debian."""
    if folder == pathlib.Path("/"):
        return
    wanted = ",".join(sorted(set(packages)))
    mark = folder / "complete"
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={wanted}", "bookworm", folder,
         os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org") + "/debian"],
        capture_output=True, text=True)
    must(made.returncode == 0, made.stdout[-2000:])
    mark.write_text(wanted)


class System:
    """The system, booted; what is written in it is in memory, and forgotten with it. Of what
    else is installed in it nothing is started."""

    def __init__(self, root, packages, log):
        self.log = open(log, "wb")
        self.overlay = pathlib.Path(tempfile.mkdtemp(prefix="heeler-package-"))
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.overlay], check=True)
        for name in ("upper", "work", "root"):
            (self.overlay / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={root},upperdir={self.overlay}/upper,workdir={self.overlay}/work",
                        self.overlay / "root"], check=True)
        # Machines that are images themselves have one, so that nothing is started in them.
        (self.overlay / "root/usr/sbin/policy-rc.d").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", self.overlay / "root",
             "--private-network", "--register=no", "--keep-unit", "--console=pipe", "--link-journal=no",
             "--bind-ro", f"{packages}:/packages", "--boot",
             "systemd.unit=basic.target"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.init = until("an init", self.find_init)
        until("the boot", lambda: self.run("systemctl", "is-system-running", check=False).strip()
              in ("running", "degraded"))

    def find_init(self):
        must(self.process.poll() is None, "systemd-nspawn ended")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            with contextlib.suppress(OSError):  # one that just ended
                if os.readlink(f"/proc/{pid}/exe").endswith("/systemd"):
                    return int(pid)
        return None

    def command(self, words):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", *words]

    def run(self, *words, check=True):
        done = subprocess.run(self.command(words), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and done.returncode != 0:
            fail(f"{' '.join(words)}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def sh(self, text, check=True):
        return self.run("sh", "-c", text, check=check)

    def path(self, path):
        return pathlib.Path(f"/proc/{self.init}/root{path}")

    def enter_network(self):
        """For this thread and what it starts."""
        with open(f"/proc/{self.init}/ns/net") as network:
            must(ctypes.CDLL(None).setns(network.fileno(), CLONE_NEWNET) == 0, "setns")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run(["umount", "--recursive", self.overlay], check=False)
        self.overlay.rmdir()
        self.log.close()


# ---- its steps --------------------------------------------------------------

def show(system, what, unit="heeler.service"):
    return system.run("systemctl", "show", "--value", "--property", what, unit).strip()


def is_active(system):
    return system.run("systemctl", "is-active", "heeler.service", check=False).strip() == "active"


def install(system, files, *options):
    """Settings that were changed stay as they are, as for who says so when dpkg asks."""
    return system.run("apt-get", "install", "-y", "--no-install-recommends",
                      "-o", "Dpkg::Options::=--force-confold", *options, *files)


def fetch(path):
    with urllib.request.urlopen(f"http://127.0.0.1:8127{path}", timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def ask_snapshot():
    """The answer's status and body."""
    now = int(time.time())
    try:
        with urllib.request.urlopen(
                "http://127.0.0.1:8127/api/v1/graph/snapshot?metric_query=sum:shop.sold%7B*%7D"
                f"&start={now - 300}&end={now}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def says_who_draws(system):
    """The program that draws is a package of its own, and nothing of Cairo is needed without it."""
    sentence = "/usr/bin/heeler-chart, which draws pictures, is not there: install the package heeler-chart"
    said = system.sh("heeler query --last 5m --png /tmp/picture.png 'sum:shop.sold{*}' 2>&1; echo status $?")
    must(sentence in said and said.endswith("status 1\n"), said)
    status, body = ask_snapshot()
    must(status == 503 and sentence in body, f"{status} {body}")
    say("without heeler-chart a command and the service name the package")


def draws(system):
    """The service within the bounds of its unit, and a command."""
    status, body = ask_snapshot()
    must(status == 200, f"{status} {body}")
    path = re.search(r"/snapshot/view/[0-9a-f]*\.png", json.loads(body)["snapshot_url"]).group()
    with urllib.request.urlopen(f"http://127.0.0.1:8127{path}", timeout=PATIENCE_S) as answer:
        must(answer.read().startswith(PNG_BEGIN), "the snapshot is no PNG")
    system.run("heeler", "query", "--last", "5m", "--png", "/tmp/picture.png", "sum:shop.sold{*}")
    must(system.path("/tmp/picture.png").read_bytes().startswith(PNG_BEGIN), "the picture is no PNG")
    must(system.path("/usr/share/man/man1/heeler-chart.1.gz").exists(), "there is no heeler-chart(1)")
    say("with heeler-chart the service and a command draw")


def knows_the_calendar(system):
    """A day of one that recurs, in a zone of the system's."""
    said = system.sh("printf 'Europe/Paris\\t2026-11-30T19:00:00\\t0\\t50400\\t1796000000\\t1796100000\\tFREQ=DAILY\\n'"
                     " | heeler-calendar")
    must(said == "1796061600\t1796112000\n", said)
    must(system.path("/usr/share/man/man1/heeler-calendar.1.gz").exists(), "there is no heeler-calendar(1)")
    say("heeler-calendar knows when a downtime recurs")


def of_checks(system, name):
    """That instance, as the server has heard of it."""
    checks = json.loads(fetch("/api/v1/checks"))["last"] or {}
    return next((one for one in checks.get("instances", []) if one["name"] == name), {})


def runs_checks(system, intake, packages):
    """A seed, unmodified, and a check that tries what the unit lets it do."""
    system.sh("umask 077; echo SECRET_OF_A_CHECK=s3cret >/etc/default/heeler-checks")
    install(system, packages)
    unit = ("heeler-checks.service",)
    must(system.run("systemctl", "is-active", *unit, check=False).strip() == "active",
         system.run("journalctl", "--no-pager", "-u", *unit))
    modes = system.sh("stat -c '%a %U %G' /etc/heeler/conf.d /etc/heeler/checks.d").split("\n")[:2]
    must(modes == ["750 root heeler-checks", "755 root root"], f"conf.d and checks.d are {modes}")
    seed = (pathlib.Path(__file__).resolve().parent.parent / "checks/data/seeds/custom_check.py").read_text()
    for name, code in (("custom_check", seed), ("inside", INSIDE)):
        system.path(f"/etc/heeler/checks.d/{name}.py").write_text(code)
        system.sh(f"printf 'instances:\\n  - min_collection_interval: 1\\n' >/etc/heeler/conf.d/{name}.yaml")
    until("a point of a check", lambda: any(key[0] == "my_metric" for key in list(intake.points)))
    until("the run of the other", lambda: of_checks(system, "inside").get("runs"))
    must(of_checks(system, "inside")["state"] == "ok", f"inside: {of_checks(system, 'inside')}")
    until("a count", lambda: any(key[0] == "inside.count" and key[4] == "count" for key in list(intake.points)))
    must("s3cret" not in fetch("/api/v1/checks") + system.run("journalctl", "--no-pager"), "a secret is told")
    exposure = re.search(r"exposure level for heeler-checks.service: ([0-9.]+)",
                         system.run("systemd-analyze", "--no-pager", "security", *unit))
    must(exposure and float(exposure.group(1)) <= EXPOSURE_MOST_OF_CHECKS, f"exposure {exposure}")
    must(system.path("/usr/share/man/man1/heeler-checks.1.gz").exists(), "there is no heeler-checks(1)")
    must(not system.sh("find /usr/lib/heeler -name '*.pyc'"), "there is compiled Python")
    # Its own user may send it that, so a check may.
    runner = show(system, "MainPID", *unit)
    system.sh(f"setpriv --reuid heeler-checks --regid heeler-checks --clear-groups sh -c 'kill {runner}'")
    until("a runner after one that was ended", lambda: show(system, "MainPID", *unit) not in ("0", runner))
    say(f"checks run, and may what they need; systemd-analyze security: {exposure.group(1)}")


def runs_as_an_image(system, intake):
    """The user and the command of packaging/Dockerfile.checks, which installs these packages: no
    settings, no rights, and a conf.d that is mounted."""
    recipe = (pathlib.Path(__file__).resolve().parent.parent.parent / "packaging/Dockerfile.checks").read_text()
    said = {word: re.findall(rf"^{word} (.*)$", recipe, re.M)[-1] for word in ("USER", "ENTRYPOINT", "CMD")}
    words = " ".join(json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"]))
    user, group = said["USER"].split(":")
    must("apt-get install" in recipe and "python3-psycopg2 python3-pymysql" in recipe, recipe)
    code = ("import os\nfrom checks import AgentCheck\n\nclass Image(AgentCheck):\n"
            "    def check(self, instance):\n        self.gauge('image.user', os.getuid())\n")
    system.sh("mkdir -p /run/image/conf.d /run/image/checks.d")
    system.path("/run/image/checks.d/image.py").write_text(code)
    system.path("/run/image/conf.d/image.yaml").write_text("instances: [{min_collection_interval: 1}]\n")
    # The service would see what is mounted.
    image = subprocess.Popen(system.command(["sh", "-ec",
        "systemctl stop heeler-checks; mount --bind /run/image/conf.d /etc/heeler/conf.d; "
        "mount --bind /run/image/checks.d /etc/heeler/checks.d; cd /; "
        f"setpriv --reuid={user} --regid={group} --clear-groups --bounding-set=-all --no-new-privs env -i {words} & "
        "runner=$!; until [ -e /run/image/seen ]; do sleep 0.1; done; status=0; kill $runner; wait $runner || status=$?; "
        "umount /etc/heeler/conf.d /etc/heeler/checks.d; rm -r /run/image; systemctl start heeler-checks; exit $status"]),
        stdin=subprocess.DEVNULL)
    until("a point", lambda: any(key[0] == "image.user" and value == int(user)
                                 for key, value in list(intake.points.items())))
    system.path("/run/image/seen").touch()
    must(image.wait(PATIENCE_S) == 0, f"the image's command ends with {image.returncode}")
    say("checks run as their image has them, too")


def checks_go_on(system, intake):
    """Behind an upgrade, with the state of before; then they are taken away, by their files alone."""
    runs = max(value for key, value in list(intake.points.items()) if key[0] == "inside.runs")
    until("more runs", lambda: any(key[0] == "inside.runs" and value > runs
                                   for key, value in list(intake.points.items())))
    system.sh("rm /etc/heeler/conf.d/* /etc/heeler/checks.d/*")
    until("no instance", lambda: not json.loads(fetch("/api/v1/checks"))["last"]["instances"])
    say("behind the upgrade checks go on, with what they kept")


def installs(system, packages):
    install(system, packages)
    must(is_active(system), "it is not started")
    must("heeler:" in system.path("/etc/passwd").read_text(), "there is no user")
    must(show(system, "User") == "heeler", f"the user is {show(system, 'User')}")
    key = system.sh("stat -c '%a %U %G %s' /etc/heeler/api_key").strip()
    must(key == "640 root heeler 0", f"the file of the key is {key}")
    must("local mode" in system.run("heeler", "status"), "it is not in local mode")
    system.run("heeler", "send", "hello:1|c")
    for file in ("/usr/share/man/man1/heeler.1.gz", "/usr/share/man/man5/heeler.yaml.5.gz",
                 "/usr/share/bash-completion/completions/heeler",
                 "/usr/share/zsh/vendor-completions/_heeler"):
        must(system.path(file).exists(), f"there is no {file}")
    exposure = re.search(r"exposure level for heeler.service: ([0-9.]+)",
                         system.run("systemd-analyze", "--no-pager", "security", "heeler.service"))
    must(exposure and float(exposure.group(1)) <= EXPOSURE_MOST, f"exposure {exposure}")
    say(f"installed, started in local mode; systemd-analyze security: {exposure.group(1)}")


def set_key(system, key):
    system.sh(f"echo {key} >/etc/heeler/api_key")


def refuses_an_open_key(system, intake):
    """Wrong modes stop a start with a sentence, and a reload changes nothing."""
    settings = (f"\ndd_url: {intake.url}\nheeler_interval: 1\nheeler_workers: 2\n"
                "dogstatsd_so_rcvbuf: 67108864\n")
    system.sh(f"printf '{settings}' >>/etc/heeler/heeler.yaml")
    set_key(system, FIRST_KEY)
    system.sh("chmod 644 /etc/heeler/api_key && ! systemctl restart heeler")
    until("the end", lambda: show(system, "ExecMainStatus") == "78")
    journal = system.run("journalctl", "--no-pager", "-u", "heeler")
    must("heeler_api_key_file /etc/heeler/api_key has mode 0644" in journal, journal[-2000:])
    must(FIRST_KEY not in journal, "the key is in the journal")
    system.sh("chmod 640 /etc/heeler/api_key && systemctl restart heeler")
    say("a key that others may read is refused; started with its key")


def takes_a_client(system, intake):
    before = intake.total()
    client = statsd.StatsClient("127.0.0.1", 8125)
    for _ in range(500):
        client.incr("shop.sold")
    system.run("heeler", "send", "--to", "unix:/run/datadog/dsd.socket", "--count", "500", "shop.seen:1|c")
    until("what was sent", lambda: intake.total() == before + 1000)
    must("<title>" in fetch("/"), "there is no page")
    must(set(intake.keys) == {FIRST_KEY}, f"the keys are {set(intake.keys)}")
    say("1000 lines of python3-statsd and heeler send arrived; the page is there")


def follows_a_key(system, intake):
    set_key(system, SECOND_KEY)
    system.run("systemctl", "reload", "heeler.service")
    until("the second key", lambda: intake.keys[-1] == SECOND_KEY)
    say("a new key, by a reload")


def bench(system, to, rate, seconds):
    return subprocess.Popen(
        system.command(["heeler-bench", "send", "--to", to, "--rate", str(rate), "--seconds", str(seconds)]),
        stdout=subprocess.PIPE, text=True)


def upgrades(system, intake, packages, options):
    """While lines come: nothing is lost, and the process stays."""
    before, pid = intake.total(), show(system, "MainPID")
    loads = [bench(system, "udp:127.0.0.1:8125", options.rate * 6 // 10, options.seconds),
             bench(system, "unix:/run/datadog/dsd.socket", options.rate * 4 // 10, options.seconds)]
    time.sleep(1)
    said = install(system, packages)
    must("goes on with the program of before" not in said, said)
    must(show(system, "MainPID") == pid, "it is another process")
    system.sh(f"[ /proc/{pid}/exe -ef /usr/bin/heeler ]")
    results = [json.loads(load.communicate()[0]) for load in loads]
    sent = sum(result["lines"] for result in results)
    rate = sum(result["lines"] / result["seconds"] for result in results)
    until(f"what was sent ({sent})", lambda: intake.total() - before >= sent)
    must(intake.total() - before == sent, f"sent {sent}, arrived {intake.total() - before}")
    must(not intake.duplicates, f"came twice: {intake.duplicates[:2]}")
    drops = re.findall(r"^heeler_datagrams_dropped_by_kernel_total{.*} (\d+)$", fetch("/metrics"), re.M)
    must(all(number == "0" for number in drops), f"the kernel dropped {drops}")
    versions = [re.search(r"_([^_]+)_", name).group(1) for name in named(packages, "heeler")]
    must(system.run("dpkg-query", "-W", "-f", "${Version}", "heeler") in versions, "it is another version")
    pauses = re.findall(r"the pause was ([\d.]+) ms", system.run("journalctl", "--no-pager", "-u", "heeler"))
    say(f"upgraded to {versions[0]} under load: {sent} lines at {rate:.0f} a second, all at the intake; "
        f"paused for {', '.join(pauses)} ms")


def goes_on_with_the_old_program(system, intake, packages):
    """A file that the new program refuses: the service goes on, and apt says so."""
    pid = show(system, "MainPID")
    system.sh("cp -p /etc/heeler/heeler.yaml /etc/heeler/heeler.yaml.kept && "
              "echo 'heeler_workers: plenty' >>/etc/heeler/heeler.yaml")
    said = install(system, packages, "--reinstall")
    must("heeler.service goes on with the program of before" in said and "systemctl restart heeler" in said, said)
    must(show(system, "MainPID") == pid and is_active(system), "it does not go on")
    system.sh(f"! [ /proc/{pid}/exe -ef /usr/bin/heeler ]")
    journal = system.run("journalctl", "--no-pager", "-u", "heeler")
    must("heeler_workers" in journal, journal[-2000:])
    before = intake.total()
    system.run("heeler", "send", "--count", "100", "shop.kept:1|c")
    until("what was sent", lambda: intake.total() == before + 100)
    system.sh("mv /etc/heeler/heeler.yaml.kept /etc/heeler/heeler.yaml && systemctl restart heeler")
    system.sh("[ /proc/$(systemctl show -P MainPID heeler)/exe -ef /usr/bin/heeler ]")
    say("settings that the new program refuses: the old one goes on, and apt says so")


def takes_a_credential(system, intake):
    """As the example has it; root alone may read the file."""
    system.sh("mkdir -p /etc/systemd/system/heeler.service.d && "
              "cp /usr/share/doc/heeler/examples/credential.conf /etc/systemd/system/heeler.service.d/ && "
              f"install -m 600 /dev/null /etc/heeler/credential && echo {THIRD_KEY} >/etc/heeler/credential && "
              "systemctl daemon-reload && systemctl restart heeler")
    until("the third key", lambda: intake.keys[-1] == THIRD_KEY)
    system.sh(f"echo {FIRST_KEY} >/etc/heeler/credential && systemctl reload heeler")
    asked = len(intake.keys)
    until("a payload", lambda: len(intake.keys) > asked + 1)
    must(intake.keys[-1] == THIRD_KEY, "a reload took over a credential")
    system.sh("systemctl restart heeler")
    until("the key by a restart", lambda: intake.keys[-1] == FIRST_KEY)
    say("a credential of systemd; a new one by a restart and not by a reload")


def goes(system):
    kept = ["/etc/heeler/heeler.yaml", "/etc/heeler/api_key", "/var/lib/heeler", "/var/log/heeler"]
    system.run("apt-get", "remove", "-y", "heeler")
    must(not is_active(system), "it runs on")
    must(system.run("systemctl", "is-active", "heeler-checks", check=False).strip() != "active", "checks run on")
    must(not system.path("/usr/bin/heeler").exists(), "the program is there")
    for path in kept:
        must(system.path(path).exists(), f"remove took {path}")
    # What the administrator put there stays.
    system.sh("rm -r /etc/default/heeler-checks /etc/heeler/credential /etc/systemd/system/heeler.service.d")
    system.run("apt-get", "purge", "-y", "heeler", "heeler-bench", "heeler-chart", "heeler-calendar", "heeler-checks")
    left = system.sh("find /etc /run /usr/bin /usr/lib/systemd /usr/lib/*.d /usr/share/doc /usr/share/man "
                     "/var/lib /var/log -xdev -name '*heeler*'").split()
    must(not left, f"purge left {left}")
    say("removed and purged")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True, help="folder with the packages")
    parser.add_argument("--after", required=True, help="folder with those that they are upgraded to")
    parser.add_argument("--root", default="build/bookworm", help="folder of the system, made if it is not there")
    parser.add_argument("--rate", type=int, default=100000, help="lines a second")
    parser.add_argument("--seconds", type=int, default=10, help="of lines around the upgrade")
    options = parser.parse_args()

    sides = []
    for folder in (options.before, options.after):
        sides.append(sorted(path.resolve() for path in pathlib.Path(folder).glob("heeler*.deb")
                            if "dbgsym" not in path.name))
        must(named(sides[-1], "heeler") and named(sides[-1], "heeler-bench"), f"{folder} has {sides[-1]}")
    must(named(sides[1], "heeler-chart"), f"{options.after} has no heeler-chart")
    must(named(sides[1], "heeler-calendar"), f"{options.after} has no heeler-calendar")
    must(named(sides[1], "heeler-checks"), f"{options.after} has no heeler-checks")
    must(NEED_PYTHON <= set(depends(named(sides[1], "heeler-checks")[0])), "heeler-checks needs no Python")
    must(not (NEED_CAIRO | NEED_ICAL | NEED_PYTHON) & set(depends(named(sides[1], "heeler")[0])),
         "heeler depends on what draws, on libical or on Python")
    must(NEED_ICAL <= set(depends(named(sides[1], "heeler-calendar")[0])), "heeler-calendar does not")
    must(NEED_CAIRO <= set(depends(named(sides[1], "heeler-chart")[0])), "heeler-chart does not")
    root = pathlib.Path(options.root).resolve()
    make_root(root, INIT_PACKAGES + [name for side in sides for path in side for name in depends(path)
                                     if name != "heeler"])
    say("a root of Debian 12")
    shared = pathlib.Path(os.path.commonpath([path for side in sides for path in side]))
    first, second = ([f"/packages/{path.relative_to(shared)}" for path in side] for side in sides)

    system = System(root, shared, shared / "console.log")
    try:
        system.enter_network()
        intake = KeyedIntake().start()
        say("booted")
        installs(system, named(first, "heeler") + named(first, "heeler-bench"))
        refuses_an_open_key(system, intake)
        takes_a_client(system, intake)
        follows_a_key(system, intake)
        if named(first, "heeler-chart"):
            says_who_draws(system)
        if named(first, "heeler-checks"):
            runs_checks(system, intake, named(first, "heeler-checks"))
            runs_as_an_image(system, intake)
        upgrades(system, intake, second, options)
        if named(first, "heeler-checks"):
            checks_go_on(system, intake)
        draws(system)
        knows_the_calendar(system)
        goes_on_with_the_old_program(system, intake, second)
        takes_a_credential(system, intake)
        must(not intake.violations, intake.violations[:3])
        goes(system)
    except SystemExit:
        print(system.run("journalctl", "--no-pager", "-n", "30", "-u", "heeler", check=False))
        raise
    finally:
        system.stop()
    print("1 passed, 0 failed")


begin = time.monotonic()
if __name__ == "__main__":
    main()
