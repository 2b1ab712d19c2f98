/* tests/support/guard.h: input that ends where readable memory ends.
 *
 * A parser that reads one byte too far dies at once, in every build. */
#ifndef TESTS_SUPPORT_GUARD_H
#define TESTS_SUPPORT_GUARD_H

#include "protocol/slice.h"

/* A copy of the bytes, flush against a page that must not be touched. A view,
 * good until guarded() is called GUARD_COPIES times more. */
enum { GUARD_COPIES = 4 };
struct slice guarded(const void *bytes, size_t len);

static inline struct slice guarded_text(const char *text)
{
    return guarded(text, strlen(text));
}

#endif
