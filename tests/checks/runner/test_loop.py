import os
import unittest

from runner.loop import Loop


class Process:
    """Only its descriptor to read from."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def descriptors(self):
        return [self.descriptor]

    def wants_write(self):
        return False


class Sink:
    def __init__(self, descriptor):
        self.descriptor, self.busy = descriptor, False

    def watched(self):
        return [(self.descriptor, 1)]       # POLLIN

    def is_busy(self):
        return self.busy


class LoopTest(unittest.TestCase):
    def setUp(self):
        self.loop = Loop()
        self.addCleanup(self.loop.epoll.close)
        self.process, self.says = self.pipe()
        self.sent, self.answers = self.pipe()
        self.addCleanup(os.close, self.loop.woken)
        self.addCleanup(os.close, self.loop.waker)

    def pipe(self):
        pipe = os.pipe()
        for end in pipe:
            self.addCleanup(os.close, end)
        return pipe

    def test_a_process_is_heard_but_while_the_sink_is_busy(self):
        process, sink = Process(self.process), Sink(self.sent)
        self.loop.follow(process)
        os.write(self.says, b"x")
        os.write(self.answers, b"x")
        sink.busy = True
        self.loop.wait(sink, 60)
        self.assertEqual([], list(self.loop.take_ready()))
        sink.busy = False
        self.loop.wait(sink, 60)
        self.assertEqual([process], list(self.loop.take_ready()))

    def test_a_signal_wakes_while_the_sink_is_busy(self):
        sink = Sink(self.sent)
        sink.busy = True
        os.write(self.loop.waker, b"x")
        self.loop.wait(sink, 60)
        with self.assertRaises(BlockingIOError):
            os.read(self.loop.woken, 1)
