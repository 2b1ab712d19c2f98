"""server/checks/runner/exchange.py: one POST and its answer, by a socket that nobody waits for.

  connecting ──► sending ──► receiving ──► Answer

step() does what can be done now. A connection is for one exchange, and is closed after it. It is
over 10 s after the last progress, whatever the server does.
"""

import collections
import errno
import os
import select
import socket

Answer = collections.namedtuple("Answer", "status retry_after_s text")

SILENT_MAX_S = 10
ANSWER_MAX = 65536
AT_ONCE = 262144


class Failure(Exception):
    """No answer came; str() says why, in a few words."""


class Exchange:
    def __init__(self, target, path, body, headers, now):
        """`target` as of http_target(). Raises Failure."""
        family, address, name = target
        head = f"POST {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n"
        head += "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._unsent = memoryview(head.encode("ascii", "replace") + body)
        self._received = b""
        self._last = now
        self._socket = _connected(family, address)

    def watched(self):
        return self._socket.fileno(), select.POLLOUT if self._unsent else select.POLLIN

    def until(self):
        return self._last + SILENT_MAX_S

    def close(self):
        self._socket.close()

    def step(self, now):
        """None while it goes on, else the Answer; raises Failure."""
        try:
            answer = self._send(now) if self._unsent else self._receive(now)
        except BlockingIOError:
            answer = None
        except OSError as error:
            self.close()
            raise Failure(error.strerror or str(error)) from None
        if answer is None and now >= self.until():
            self.close()
            raise Failure(f"no answer for {SILENT_MAX_S} s")
        return answer

    def _send(self, now):
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        try:
            sent = self._socket.send(self._unsent[:AT_ONCE], socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            # It may have answered already, without hearing us out.
            self._unsent = memoryview(b"")
            return self._receive(now)
        self._unsent = self._unsent[sent:]
        self._last = now
        return None

    def _receive(self, now):
        more = self._socket.recv(ANSWER_MAX)
        self._last = now
        self._received += more
        answer = _parsed(self._received, is_whole=not more or len(self._received) > ANSWER_MAX)
        if answer is not None:
            self.close()
        return answer


def _connected(family, address):
    """A socket that is on its way there."""
    try:
        opened = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise Failure(error.strerror) from None
    try:
        opened.connect(address)
    except BlockingIOError as error:
        if error.errno == errno.EINPROGRESS:
            return opened
        opened.close()
        raise Failure("too many wait to be connected") from None
    except OSError as error:
        opened.close()
        raise Failure(error.strerror or str(error)) from None
    return opened


def _parsed(received, is_whole):
    """None until it is there. OSError: it is none of HTTP."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end and not is_whole:
        return None
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise OSError(None, "the answer is none of HTTP")
    fields = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
    if not is_whole and len(body) < _number(fields.get("content-length"), ANSWER_MAX):
        return None
    return Answer(int(words[1]), _number(fields.get("retry-after"), 0),
                  body.decode("utf-8", "replace"))


def _number(text, otherwise):
    text = (text or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise
