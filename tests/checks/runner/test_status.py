import json
import unittest

from runner.status import MAX_BYTES, status_document, status_ended, status_runner


def instance(number, text):
    return {"id": f"check:{number:016x}", "name": "check", "source": "conf.d/check.yaml:3",
            "interval_s": 15, "state": "error", "last_run": 1700000000, "seconds": 0.25,
            "runs": 3, "failures": 1, "skipped": 0, "kills": 0, "metrics": 2, "samples": 2,
            "events": 0, "service_checks": 0, "dropped": {}, "warnings": [text] * 20,
            "error": text, "traceback": text, "next_run": 1700000015,
            "output": {"lines": 1, "last": text}}


RUNNER = status_runner(1, "1.2.3", 1700000000.5)
SENT = {"points": 0, "service_checks": 0, "events": 0, "given_up": {}, "queued": 0}


class StatusTest(unittest.TestCase):
    def test_a_few_are_told_whole(self):
        document = json.loads(status_document([instance(1, "short")], ["a problem"], RUNNER, SENT))
        self.assertEqual(["short"] * 10, document["instances"][0]["warnings"])
        self.assertEqual("short", document["instances"][0]["traceback"])
        self.assertEqual((["a problem"], 1700000000), (document["problems"],
                         document["runner"]["started"]))
        self.assertNotIn("ended", document)

    def test_many_are_all_told_and_fit(self):
        for text in ("x" * 10000, "\u00e9\x1b" * 5000):
            body = status_document([instance(n, text) for n in range(1000)], [text] * 300,
                                   RUNNER, SENT)
            self.assertLessEqual(len(body), MAX_BYTES)
            self.assertEqual(1000, len(json.loads(body)["instances"]))

    def test_reasons_of_what_was_dropped_are_cut_too_and_none_of_it_is_missing(self):
        dropped = {f"{n:02d}" + "\u00e9" * 98: 1 + n for n in range(30)}
        body = status_document([dict(instance(n, ""), dropped=dropped) for n in range(1000)], [],
                               RUNNER, SENT)
        self.assertLessEqual(len(body), MAX_BYTES)
        told = json.loads(body)["instances"]
        self.assertEqual([sum(dropped.values())] * 1000, [sum(one["dropped"].values())
                                                         for one in told])
        # One alone is told with the reasons that the server takes, the greatest of them.
        one, = json.loads(status_document([dict(instance(1, ""), dropped=dropped)], [], RUNNER,
                                          SENT))["instances"]
        counts = one["dropped"]
        self.assertEqual((sum(range(1, 16)), list(range(16, 31))),
                         (counts.pop("other"), sorted(counts.values())))

    def test_where_the_instances_alone_do_not_fit_some_are_left_out_and_it_is_said(self):
        many = [dict(instance(n, ""), name="x" * 100, source="\u00e9" * 700 + ":3")
                for n in range(5000)]
        many[0]["error"] = None     # those that fail go before it
        body = status_document(many, ["a problem"], RUNNER, SENT)
        self.assertLessEqual(len(body), MAX_BYTES)
        document = json.loads(body)
        self.assertEqual((1250, ["3750 of 5000 instances are left out here, as there is no room for "
                                "them", "a problem"]),
                         (len(document["instances"]), document["problems"]))
        self.assertTrue(document["instances"][0]["source"].endswith(":3"))
        self.assertNotIn(many[0]["id"], [one["id"] for one in document["instances"]])

    def test_of_a_traceback_the_end_stays(self):
        told = json.loads(status_document([instance(1, "x" * 9000 + "the end")], [], RUNNER, SENT))
        self.assertTrue(told["instances"][0]["traceback"].endswith("the end"))

    def test_the_last_one(self):
        document = json.loads(status_ended([], RUNNER, SENT))
        self.assertEqual(([], True), (document["instances"], document["ended"]))


if __name__ == "__main__":
    unittest.main()
