/* server/api/checks_report.h: a report of the runner of checks, as it may be kept and told.
 *
 *   body ──► its members, each of its kind and length ──► all of it, and a brief for main
 *
 * The runner is a program of ours, but it passes on what checks say, which may be anything. So
 * a member of another kind is refused by its name, long texts are cut, and beyond
 * CHECKS_INSTANCES_MAX instances are only counted ("left_out"). What a later runner adds is
 * left out. The brief has the CHECKS_SHOWN_MAX worst instances, without what only a developer
 * reads. Pure. */
#ifndef SERVER_API_CHECKS_REPORT_H
#define SERVER_API_CHECKS_REPORT_H

#include "config/must_check.h"
#include "protocol/slice.h"
#include "server/http/checks.h"

enum {
    CHECKS_BODY_MAX = 1 << 20,
    CHECKS_KEYS_MAX = 100000, /* members of all objects of a body */
    CHECKS_INSTANCES_MAX = 2000,
    CHECKS_SHOWN_MAX = 20,
    CHECKS_PROBLEM_MAX = 256,
};

enum checks_reading { CHECKS_READ, CHECKS_WRONG, CHECKS_NO_MEMORY };

/* body: an object that was checked (json_view.h); the times are of now. Both results are owned.
 * CHECKS_WRONG with a sentence. */
MUST_CHECK enum checks_reading checks_report_read(struct slice body, int64_t now_ms,
                                                  int64_t now_s, struct checks_brief **brief,
                                                  struct bytes *whole,
                                                  char problem[CHECKS_PROBLEM_MAX]);

#endif
