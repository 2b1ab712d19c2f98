/* server/commands/expect_report.h: verdicts for who reads them, a person or a CI.
 *
 *   heeler expect: metrics.yaml: 1 of 3 expectations is not met
 *
 *   metrics.yaml:4: series shop.orders  env:test
 *       expected: value 3, but it is 2
 *       came:     shop.orders  count  2  env:test,route:/pay
 *
 * No terminal, no clock; what came from others is fit for a terminal, and for XML 1.0. */
#ifndef SERVER_COMMANDS_EXPECT_REPORT_H
#define SERVER_COMMANDS_EXPECT_REPORT_H

#include "server/commands/expect_check.h"

/* How the command ended. */
struct command_end {
    bool timed_out;
    int64_t timeout_s;
    int number; /* of its exit, or of the signal */
    bool by_signal;
};

/* What a shell would say: 128 and more for signals; as of timeout(1) 124. 0: it went well. */
int command_end_status(const struct command_end *end);

/* What is told of what came, and of each expectation that is not met. */
void expect_report_put(FILE *out, const struct verdicts *verdicts, const char *path,
                       struct expect_seen *seen, const struct private_account *account);

/* One sentence, without its point: "the command ended with status 3". */
void expect_report_put_end(FILE *out, const struct command_end *end);

/* JUnit's XML: a test case for the command and one for each expectation. False with errno. */
bool expect_report_junit(const char *path, const struct verdicts *verdicts,
                         const struct command_end *end, const char *file_path, double seconds);

#endif
