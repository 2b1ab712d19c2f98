/* server/commands/expect_nearest.h: what an expectation means, and what came nearest to it.
 *
 *   expected: shop.orders  count  env:test        (nothing of it came)
 *   nearest:  shop.order  count  3  env:test      another name
 *
 * Nearest are those of the same name that differ in least, and where there are none those whose
 * name differs in few letters. */
#ifndef SERVER_COMMANDS_EXPECT_NEAREST_H
#define SERVER_COMMANDS_EXPECT_NEAREST_H

#include "server/commands/expect_seen.h"

/* Whether the item has its name, its other texts and its tags. */
bool expect_is_meant(const struct expectation *expectation, const struct seen_item *item);

/* "series shop.orders  count  env:test" */
void expect_put_title(FILE *out, const struct expectation *expectation);

/* Lines of text: that nothing came, and what did. */
void expect_put_nearest(FILE *out, const struct expectation *expectation,
                        struct expect_seen *seen);

#endif
