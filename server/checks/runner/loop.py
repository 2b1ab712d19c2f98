"""server/checks/runner/loop.py: the one place where the supervisor waits, and who may wake it.

It is woken by what processes say, by the sink's sockets, by signals (SIGTERM and SIGINT end,
SIGHUP has the files looked at), and by the time. It only borrows the descriptors.
"""

import contextlib
import os
import select
import signal
import socket

from runner import orphans


class Loop:
    def __init__(self):
        self.ending = self.look_at_once = False
        self.held = False      # whether processes were not heard in the last wait
        self.epoll = select.epoll()
        self.woken, self.waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.epoll.register(self.woken, select.EPOLLIN)
        self.followed = {}     # process: its descriptors here, with what is waited for
        self.process_of = {}   # descriptor: its process
        self.heard = {}        # processes that something came from

    def take_signals(self):
        """From now on, for this process only; what is started has them as they are by default."""
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._look)

    def follow(self, process):
        """What it waits for, as it is now. Called after everything that is done with a process: it
        closes descriptors, and the next one that is opened has the same number."""
        wanted = {descriptor: select.EPOLLIN for descriptor in process.descriptors()}
        if process.wants_write():
            wanted[process.input_descriptor()] = select.EPOLLOUT
        known = self.followed.pop(process, {})
        for descriptor in known.keys() - wanted.keys():
            self._forget(descriptor)
            del self.process_of[descriptor]
        for descriptor in wanted.keys() - known.keys():
            self.epoll.register(descriptor, wanted[descriptor])
            self.process_of[descriptor] = process
        if wanted:
            self.followed[process] = wanted

    def take_ready(self):
        """The processes that something has come from."""
        heard, self.heard = self.heard, {}
        return heard

    def wait(self, sink, seconds):
        """Until there is something to do, but no longer than that."""
        watched = sink.watched()
        self.held = sink.is_busy()
        if self.held:
            self._wait_for_sink(watched, seconds)
            return
        for descriptor, events in watched:
            self.epoll.register(descriptor, events)
        try:
            for descriptor, _ in self.epoll.poll(max(seconds, 0)):
                if descriptor == self.woken:
                    self._empty()
                elif descriptor in self.process_of:
                    self.heard[self.process_of[descriptor]] = True
        finally:
            # The sink opens and closes as it likes between two waits.
            for descriptor, _ in watched:
                self._forget(descriptor)

    def _wait_for_sink(self, watched, seconds):
        """Processes are not heard meanwhile, so one that says much waits for what it said."""
        poll = select.poll()
        poll.register(self.woken, select.POLLIN)
        for descriptor, events in watched:
            poll.register(descriptor, events)
        for descriptor, _ in poll.poll(max(seconds, 0) * 1000):
            if descriptor == self.woken:
                self._empty()

    def end_orphans(self, processes):
        """Ends what was left behind by processes that are no more; these are not reaped yet. They
        are not all followed: without pidfd, one may have closed all that there is to follow."""
        orphans.end(processes)

    def ready(self):
        """Tells the service manager that the start is over."""
        notify("READY=1")

    def _forget(self, descriptor):
        with contextlib.suppress(OSError):     # closed already: the kernel has forgotten it
            self.epoll.unregister(descriptor)

    def _empty(self):
        try:
            while os.read(self.woken, 512):
                pass
        except BlockingIOError:
            pass

    def _end(self, _number, _frame):
        self.ending = True

    def _look(self, _number, _frame):
        self.look_at_once = True


def notify(state):
    """One datagram for the service manager, where there is one (sd_notify). It is no reason to
    end when that fails."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode("ascii"), path.replace("@", "\0", 1)
                           if path[0] == "@" else path)
        except OSError:
            pass
