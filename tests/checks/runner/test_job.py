import unittest

from runner.configuration import Instance
from runner.job import MAX_REASONS, READY, Job


def job(**instance):
    return Job(Instance("one:1", "one", "conf.d/one.yaml:3", 15, {}, instance))


def done(**fields):
    return {"op": "done", "seconds": 0.5, "samples": 3, "points": 2, "events": 1,
            "service_checks": 1, "error": None, "warnings": [], "dropped": {}, "metadata": {},
            "files": [], **fields}


class JobTest(unittest.TestCase):
    def test_before_the_first_run(self):
        told = job().told(0, 1700000000)
        self.assertEqual(("waiting", None, 0, None), (told["state"], told["last_run"],
                         told["runs"], told["error"]))

    def test_a_good_run(self):
        one = job()
        one.began(1700000000, 50.0)
        self.assertEqual("running", one.state())
        one.done(done())
        told = one.told(2, 1700000015)
        self.assertEqual(("ok", 1700000000, 0.5, 1, 0, 2, 2, 3), tuple(
            told[key] for key in ("state", "last_run", "seconds", "runs", "failures", "skipped",
                                  "metrics", "samples")))
        self.assertEqual(READY, one.phase)

    def test_warnings_and_errors(self):
        one = job()
        one.done(done(warnings=["careful"] * 1000))
        self.assertEqual("warning", one.state())
        self.assertLess(len(one.warnings), 100)
        one.done(done(error={"message": "boom", "traceback": "x" * 100000 + "end"}))
        self.assertEqual(("error", "boom", 1), (one.state(), one.error, one.failures))
        self.assertTrue(one.traceback.endswith("end"))
        self.assertLess(len(one.traceback), 20000)
        one.done(done(error={"message": "", "traceback": ""}))
        self.assertTrue(one.error)
        one.done(done())
        self.assertEqual(("ok", None, ""), (one.state(), one.error, one.traceback))

    def test_what_failed_has_failed_while_the_next_run_goes_on(self):
        one = job()
        one.done(done(error={"message": "boom", "traceback": ""}))
        one.began(1700000015, 65.0)
        self.assertEqual("error", one.state())

    def test_a_lost_process(self):
        one = job()
        one.done(done(points=7))
        one.began(1700000015, 65.0)
        one.lost("its process ended with exit status 3", False, 68.5)
        self.assertEqual(("backing off", 2, 1, 0), (one.outcome, one.runs, one.failures, one.kills))
        self.assertEqual((3.5, 0), (one.seconds, one.last["metrics"]))
        one.phase = READY
        one.lost("a run took longer than 5 s", True, 90.0)
        self.assertEqual(("killed", 1), (one.outcome, one.kills))

    def test_secrets_are_nowhere(self):
        one = job(password="hunter22", url="http://me:s3cret@db/")
        one.done(done(error={"message": "hunter22", "traceback": "s3cret: http://me:s3cret@db/"},
                      warnings=["hunter22"]))
        self.assertNotIn("hunter22", one.printed("hunter22"))
        told = str(one.told(0, 0))
        self.assertNotIn("hunter22", told)
        self.assertNotIn("me:s3cret", told)

    def test_reasons_are_bounded(self):
        one = job()
        for number in range(1000):
            one.done(done(dropped={str(number): 1, "contexts": 2}))
        self.assertEqual((MAX_REASONS, 2000), (len(one.dropped), one.dropped["contexts"]))


if __name__ == "__main__":
    unittest.main()
