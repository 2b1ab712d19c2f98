"""Receivers of messages that are at times unwell: a webhook and a mail server on loopback.

Each message that arrives goes into a journal with its id, when it came, and what was said to it:

    yes    taken, and said so
    no     not taken, for now
    cut    not taken; the connection ends without an answer
    lost   taken, but the connection ends before the yes is out
    hang   taken, and said so when nobody listens any more
"""

import email
import email.policy
import http.server
import json
import random
import socketserver
import threading
import time
from dataclasses import dataclass

LATE_S = 2              # of a yes that takes its time
HANG_S = 11             # longer than anybody waits
WAYS = ("yes", "late", "no", "cut", "lost", "hang")
WEIGHTS = (65, 12, 10, 7, 5, 1)


@dataclass
class Heard:
    receiver: str
    id: str
    group: str
    came_s: float
    answered_s: float = 0       # when the yes was out
    said: str = ""


class Journal:
    """What was heard, and how the receivers feel."""

    def __init__(self, seed):
        self.draws = random.Random(seed)
        self.heard, self.raised = [], {}        # raised: id -> second, as webhooks say
        self.lock = threading.Lock()
        self.arrival = threading.Event()
        self.well, self.down_until = False, 0

    def way(self):
        """How the next message is met."""
        if self.well:
            return "yes"
        if time.time() < self.down_until:
            return self.draws.choice(("no", "cut"))
        return self.draws.choices(WAYS, WEIGHTS)[0]

    def meet(self, receiver, number, group):
        """One that has arrived, and how it is met. Whoever is late has waited when this returns."""
        way = self.way()
        one = Heard(receiver, number, group, time.time(), said="yes" if way == "late" else way)
        with self.lock:
            self.heard.append(one)
        self.arrival.set()
        if way == "late":
            time.sleep(self.draws.uniform(0.1, LATE_S))
        elif way == "hang":
            time.sleep(HANG_S)
        return one

    def all(self):
        with self.lock:
            return list(self.heard)


class Hook(http.server.BaseHTTPRequestHandler):
    """Of POST /hook; whatever is posted elsewhere is an intake's, and taken."""

    protocol_version = "HTTP/1.1"

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/hook":
            self.answer(202)
            return
        journal, said = self.server.journal, json.loads(body)
        assert said["id"] == self.headers["X-Heeler-Notification"], said
        with journal.lock:
            journal.raised[said["id"]] = said["raised"]
        one = journal.meet("hook", said["id"], said["scope"])
        if one.said in ("cut", "lost"):
            self.close_connection = True
            return
        self.answer(503 if one.said == "no" else 200)
        one.answered_s = time.time()

    def handle(self):
        try:
            super().handle()
        except OSError:         # who asked is gone
            self.close_connection = True

    def log_message(self, *_):
        pass


class Mailbox(socketserver.StreamRequestHandler):
    """One session of SMTP, as far as a client needs it."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def read_mail(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None             # it was cut off

    def take(self):
        """False: the session is over."""
        self.say("354 go on")
        text = self.read_mail()
        if text is None:
            return False
        mail = email.message_from_bytes(text, policy=email.policy.default)
        number = mail["X-Heeler-Notification"]
        assert mail["Message-ID"].startswith(f"<{number}@"), mail["Message-ID"]
        one = self.server.journal.meet("mail", number, mail["Subject"].partition("{")[2].partition("}")[0])
        if one.said in ("cut", "lost"):
            return False
        self.say("451 not now" if one.said == "no" else "250 taken")
        one.answered_s = time.time()
        return True

    def converse(self):
        self.say("220 ready")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                if not self.take():
                    return
            elif word == b"QUIT":
                self.say("221 bye")
                return
            elif word in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                self.say("250 ok")
            else:
                self.say("502 what?")

    def handle(self):
        try:
            self.converse()
        except OSError:
            pass


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(server, journal):
    server.daemon_threads, server.journal = True, journal
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def start_hook(journal):
    """Its port."""
    return serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook), journal)


def start_mail(journal):
    return serve(MailServer(("127.0.0.1", 0), Mailbox), journal)
