import collections
import unittest

from runner import recorder


class Sampler:
    """Keeps what it is given; its points are set by the test."""

    def __init__(self):
        self.begun, self.samples, self.points = [], [], []
        self.dropped = collections.Counter()

    def begin(self, time):
        self.begun.append(time)

    def add(self, *sample):
        self.samples.append(sample)

    def commit(self):
        return self.points


class RecorderTest(unittest.TestCase):
    def setUp(self):
        self.sent, self.largest = [], 1000000
        self.sampler = Sampler()
        self.recorder = recorder.Recorder(self.sampler, self.send, lambda: 7.5,
                                          lambda: 1700000000.9)

    def send(self, frame):
        if len(str(frame)) > self.largest:
            return False
        self.sent.append(frame)
        return True

    def test_samples_go_to_the_sampler_with_their_time(self):
        self.recorder.begin(1700000000)
        self.recorder.metric("one:1", 3, "n", 2.5, ["a", 1, None], None, True)
        self.recorder.metric("one:1", 0, "n", 2.5, None, 8, False)
        self.assertEqual([1700000000], self.sampler.begun)
        self.assertEqual([(3, "n", 2.5, ["a", "1", "None"], None, True, 7.5),
                          (0, "n", 2.5, [], "8", False, 7.5)], self.sampler.samples)
        self.assertEqual(2, self.recorder.end().samples)
        self.assertEqual(0, self.recorder.end().samples)

    def test_points_go_in_frames_of_500(self):
        self.sampler.points = [("gauge", "a", 1.0, 1, (), None)] * 1201
        self.assertEqual(1201, self.recorder.end().points)
        self.assertEqual([500, 500, 201], [len(frame["points"]) for frame in self.sent])

    def test_points_that_are_too_large_for_one_frame_go_in_several(self):
        self.largest = 300
        self.sampler.points = [("gauge", name, 1.0, 1, (), None)
                               for name in ("a" * 100, "b" * 400, "c" * 100, "d" * 100)]
        ended = self.recorder.end()
        self.assertEqual((3, {"too_large": 1}), (ended.points, dict(ended.dropped)))
        self.assertEqual(["a", "c", "d"], [point[1][0] for frame in self.sent
                                           for point in frame["points"]])

    def test_what_the_sampler_dropped_is_told(self):
        self.sampler.dropped["contexts"] = 7
        self.recorder.dropped("type")
        self.assertEqual({"contexts": 7, "type": 1}, dict(self.recorder.end().dropped))

    def test_what_comes_while_there_is_no_run_waits_for_it(self):
        self.recorder.service_check("one:1", "up", 0, [], None, "")
        self.recorder.event("one:1", {"msg_title": "a" * 2000})
        self.assertEqual([], self.sent)
        self.largest = 1000
        self.recorder.begin(1)
        self.assertEqual(["service_check"], [frame["op"] for frame in self.sent])
        self.recorder.event("one:1", {})
        ended = self.recorder.end()
        self.assertEqual((1, 1, {"too_large": 1}), (ended.service_checks, ended.events,
                                                    dict(ended.dropped)))
        self.recorder.event("one:1", {})
        self.assertEqual(["service_check", "event"], [frame["op"] for frame in self.sent])
        self.recorder.begin(2)
        self.assertEqual(3, len(self.sent))
        self.assertEqual(1, self.recorder.end().events)

    def test_service_checks(self):
        self.recorder.begin(1)
        self.recorder.service_check("one:1", "up", 2, ["a"], None, "text")
        self.assertEqual([{"op": "service_check", "name": "up", "status": 2, "tags": ["a"],
                           "host": None, "message": "text", "timestamp": 1700000000}], self.sent)

    def test_events_hold_nothing_but_plain_values(self):
        self.recorder.begin(1)
        self.recorder.event("one:1", {"msg_title": b"\xff", "timestamp": 3, "tags": ("a", 1),
                                      5: None, "x": {"y": 1}, "inf": float("inf"), "yes": True,
                                      "op": "done"})
        self.assertEqual([{"op": "event", "msg_title": "\ufffd", "timestamp": 3, "tags": ["a", "1"],
                           "5": None, "x": "{'y': 1}", "inf": "inf", "yes": "True"}], self.sent)

    def test_bounds_of_a_run_begin_anew_with_the_next(self):
        for _ in range(2):
            for number in range(1100):
                self.recorder.service_check("one:1", "up", 0, None, "", "")
                self.recorder.event("one:1", {})
                self.recorder.log(20, "text")
                self.recorder.metadata(f"key{number}", "value")
            for number in range(100):
                self.recorder.dropped(f"reason {number}")
            ended = self.recorder.end()
            self.assertEqual((1000, 1000, 200, 100), (ended.service_checks, ended.events,
                                                      ended.log_lines, len(ended.metadata)))
            self.assertEqual({"service_checks": 100, "events": 100, "log_lines": 900,
                              "metadata": 1000},
                             {key: ended.dropped[key] for key in ended.dropped
                              if not key.startswith("reason") and key != "other"})
            self.assertLessEqual(len(ended.dropped), recorder.MAX_REASONS + 1)
            self.assertEqual(2200, sum(ended.dropped.values()))

    def test_levels(self):
        for level, word in ((50, "critical"), (45, "error"), (40, "error"), (30, "warn"),
                            (20, "info"), (10, "debug"), (7, "trace"), (-1, "trace"),
                            ("info", "info")):
            self.recorder.log(level, "text")
            self.assertEqual(word, self.sent[-1]["level"])

    def test_what_cannot_be_sent_is_counted(self):
        agent = recorder.Agent(self.recorder, None, "here", "1", {})
        agent.external_tags([])
        self.recorder.histogram_bucket("one:1", "n", 1, 0.0, 1.0, True, "", [], False)
        self.assertEqual({"external_tags": 1, "histogram_bucket": 1},
                         dict(self.recorder.end().dropped))


class AgentTest(unittest.TestCase):
    def test_a_cache_that_cannot_be_written_is_a_line_of_the_log(self):
        class Broken:
            def write(self, key, value):
                raise OSError(28, "No space left on device")
        sent = []
        one = recorder.Recorder(Sampler(), lambda frame: sent.append(frame) or True)
        recorder.Agent(one, Broken(), "here", "1", {}).cache_write("key", "value")
        self.assertEqual(["the persistent cache cannot be written: No space left on device"],
                         [frame["text"] for frame in sent])


if __name__ == "__main__":
    unittest.main()
