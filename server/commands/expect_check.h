/* server/commands/expect_check.h: what was expected against what came.
 *
 *   file and what was seen -> a verdict for each expectation, in the order of the file, and for
 *                             `only` and `refused`
 *
 * An expectation looks at all items of its name, tags and other texts together: counts add up,
 * objects are merged, of gauges the newest value counts. Where it is not met its difference
 * says so in lines of text: what was expected, what came, and what came nearest. No times, no
 * terminal; what came from others is fit for one. */
#ifndef SERVER_COMMANDS_EXPECT_CHECK_H
#define SERVER_COMMANDS_EXPECT_CHECK_H

#include "server/commands/expect_seen.h"
#include "server/commands/private_server.h"

struct verdict {
    size_t line;      /* of the file; 0: of none */
    char *title;      /* owned: "series shop.orders  env:test" */
    char *difference; /* owned; NULL: met */
};

struct verdicts {
    struct verdict *at; /* owned */
    size_t n, n_failed;
    bool failed; /* there was no memory: nothing is sure */
};

/* Sorts what was seen. To be freed whatever came of it. */
void expect_check_all(struct verdicts *out, const struct expect_file *file,
                      struct expect_seen *seen, const struct private_account *account);
void verdicts_free(struct verdicts *given);

/* Whether `only` and --update look at what has this name: what clients send about themselves is
 * as little part of a test as what the file ignores. */
bool expect_check_minds(const struct expect_file *file, const struct seen_item *item);

#endif
