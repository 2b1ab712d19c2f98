#!/usr/bin/python3
"""Mail to a real server of Debian's (exim4), with TLS and a login, on ports of loopback.

By STARTTLS and by smtps:// each mail comes once, whole, and to the right mailbox, also when
the server is ended and started again amid them; without a trusted certificate, with a wrong
password and to somebody who is not there none does. exim4 is not installed by this, as it would
begin to serve: without it the test is skipped."""

import argparse
import collections
import email
import email.policy
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
daemon_smtp_ports = {starttls} : {smtps}
tls_on_connect_ports = {smtps}
local_interfaces = 127.0.0.1
keep_environment =
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  deny !authenticated = *
       message = log in first
  deny local_parts = nobody-like-that
       message = no such user
  accept domains = example.org
  deny message = relay not permitted
begin routers
keep:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  envelope_to_add
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{me}}}}{{eq{{$auth3}}{{pass/word}}}}}}{{yes}}{{no}}}}
  server_set_id = $auth2
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Exim:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.starttls, self.smtps = free_port(), free_port()
        for name in ("spool", "log", "box"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "Debian-exim", "Debian-exim")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
            check=True, stderr=subprocess.DEVNULL)
        shutil.chown(folder / "key.pem", group="Debian-exim")
        (folder / "key.pem").chmod(0o640)
        folder.chmod(0o755)
        (folder / "conf").write_text(CONFIG.format(folder=folder, starttls=self.starttls,
                                                   smtps=self.smtps))
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.program, "-C", self.folder / "conf", "-bdf", "-q1m"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.smtps)) == 0:
                    return
            time.sleep(0.1)
        sys.exit("exim4 does not listen")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self.process = None

    def mails(self):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in self.folder.glob("box/new/*")]

    def wait_for(self, count):
        for _ in range(600):
            if len(self.mails()) >= count:
                break
            time.sleep(0.1)
        return self.mails()


def check_one(mail):
    parts = {part.get_content_type(): part for part in mail.walk()}
    number = int(mail["Message-ID"].split(".")[3]) - 1796061600
    faults = [part.defects for part in mail.walk() if part.defects]
    if mail["Bcc"] is not None:
        faults.append("headers")
    if mail["Subject"] != f"[Triggered on {{host:h{number}}}] caf\u00e9 <b>  Bcc: victim@example.org":
        faults.append("subject")
    to = f"night{number % 10}@example.org"
    if mail["To"].addresses[0].addr_spec != to or mail["Envelope-To"] != to:
        faults.append("receiver")
    if not parts["text/plain"].get_content().startswith(
            "load is 900\n.\nFrom here\n<script>x</script>\n"):
        faults.append("text")
    if "<script" in parts["text/html"].get_content():
        faults.append("markup")
    if ("image/png" in parts) != (number % 2 == 0):
        faults.append("picture")
    elif number % 2 == 0 and len(parts["image/png"].get_content()) != 20000:
        faults.append("picture's bytes")
    return faults


def tell(options, count, receiver, url, trusted, seconds=120):
    command = [options.teller, str(count), receiver, f"heeler_smtp_url={url}",
               "heeler_smtp_from=heeler@example.org", "heeler_mail_to=@example.org",
               "heeler_notify_per_hour=10000"]
    if trusted:
        command.append(f"heeler_ca_file={trusted}")
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds).stdout
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode()


def outage(options, exim, url, trusted):
    """Ends the server amid the mails, and starts it again."""
    command = [options.teller, str(options.mails), "night%d@example.org", f"heeler_smtp_url={url}",
               "heeler_smtp_from=heeler@example.org", "heeler_mail_to=@example.org",
               "heeler_notify_per_hour=10000", f"heeler_ca_file={trusted}"]
    teller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while len(exim.mails()) < options.mails // 10 and teller.poll() is None:
        time.sleep(0.05)
    exim.stop()
    time.sleep(2)
    exim.start()
    return teller.communicate()[0]


def check(options, exim):
    exim.start()
    trusted = exim.folder / "certificate.pem"
    login = "me:pass%2fword@localhost"
    for url in (f"smtp://{login}:{exim.starttls}", f"smtps://{login}:{exim.smtps}"):
        said = tell(options, 10, "night%d@example.org", url, trusted)
        assert "sent 10, refused 0, shed 0; 0 attempts failed" in said, said
    assert len(exim.wait_for(20)) == 20
    print("20 mails by STARTTLS and smtps://")

    said = tell(options, 1, "night@example.org", f"smtps://{login}:{exim.smtps}", None, 4)
    assert "sent" not in said, said
    said = tell(options, 1, "night@example.org", f"smtps://me:wrong@localhost:{exim.smtps}",
                trusted, 4)
    assert "sent" not in said, said
    said = tell(options, 1, "nobody-like-that@example.org", f"smtps://{login}:{exim.smtps}", trusted)
    assert "550 no such user" in said and "refused 1" in said, said
    assert len(exim.mails()) == 20
    print("none without a trusted certificate, a right password and a mailbox")

    shutil.rmtree(exim.folder / "box")
    (exim.folder / "box").mkdir()
    shutil.chown(exim.folder / "box", "Debian-exim", "Debian-exim")
    said = outage(options, exim, f"smtp://{login}:{exim.starttls}", trusted)
    mails = exim.wait_for(options.mails)
    ids = collections.Counter(mail["Message-ID"] for mail in mails)
    faults = [fault for mail in mails for fault in check_one(mail)]
    print(said.splitlines()[-1])
    print(f"{len(ids)} of {options.mails} arrived, {len(mails) - len(ids)} of them again; "
          f"faults: {faults}")
    assert len(ids) == options.mails and not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teller", default="build/tests/tools/teller")
    parser.add_argument("--mails", type=int, default=300)
    options = parser.parse_args()
    program = shutil.which("exim4", path="/usr/sbin:/usr/bin")
    if program is None:
        print("skipped: exim4 is not installed (apt-get install exim4-daemon-light)")
        return
    folder = pathlib.Path(tempfile.mkdtemp())
    exim = Exim(program, folder)
    try:
        check(options, exim)
    finally:
        exim.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
