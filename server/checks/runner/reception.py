"""server/checks/runner/reception.py: what comes from a process goes on to the server and the log.

Frames are checked already (runner/frames.py). What is logged of one instance is limited to so many
lines a minute, what lies over it is counted; an error is logged when it comes, changes, or goes,
not every run.
"""

from runner.shown import cut

OK, WARNING, CRITICAL = 0, 1, 2
CHECK_STATUS = "datadog.agent.check_status"
CHECK_INTAKE = "dd_enable_check_intake:true"    # the Agent's second tag of it


class Reception:
    def __init__(self, settings, log, sink):
        self.log, self.sink = log, sink
        self.tells_status = settings.integration_check_status_enabled

    def take(self, job, frame, now):
        """What a run reports, and what a check logs."""
        op = frame["op"]
        if op == "points":
            self.sink.points(frame["points"])
        elif op == "service_check":
            message = frame["message"] and job.mask(frame["message"])
            self.sink.service_check(frame["name"], frame["status"], frame["tags"], frame["host"],
                                    message, frame["timestamp"])
        elif op == "event":
            self.sink.event(job.mask.texts(frame))
        else:
            self.logged(job, frame["level"], frame["text"], now)

    def done(self, job, frame, now):
        job.done(frame)
        self.outcome(job, now)
        status = {"ok": OK, "warning": WARNING}.get(job.outcome, CRITICAL)
        self.check_status(job, status, job.last_run)

    def lost(self, job, wall, now):
        self.outcome(job, now)
        self.check_status(job, CRITICAL, wall)

    def outcome(self, job, now):
        """Logs an error where it is news, and its end. Warnings have come as lines of the check."""
        if job.error == job.logged:
            return
        if job.error is not None:
            text = f"{job.key} ({job.configured.source}): {job.error}"
            self.limited(job.logging, "error", text, now)
        else:
            self.limited(job.logging, "info", f"{job.key}: works again", now)
        job.logged = job.error

    def printed(self, job, lines, more, now):
        for line in lines:
            self.limited(job.printing, "info", f"{job.key} printed: {job.printed(line)}", now)
        job.output_lines += more
        job.printing.suppressed += more

    def logged(self, job, level, text, now):
        self.limited(job.logging, level, f"{job.key}: {cut(job.mask(text), 1000)}", now)

    def limited(self, limit, level, text, now):
        if not self.log.enabled(level):
            return
        suppressed = limit.pass_at(now)
        if suppressed is None:
            return
        if suppressed:
            text += f" ({suppressed} lines before it were left out)"
        self.log.line(level, text)

    def check_status(self, job, status, timestamp):
        if self.tells_status:
            message = cut(job.error, 200) if job.error else None
            self.sink.service_check(CHECK_STATUS, status, [f"check:{job.name}", CHECK_INTAKE], None,
                                    message, timestamp)
