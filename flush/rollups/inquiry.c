#include "flush/rollups/inquiry.h"

#include <stdlib.h>

bool inquiry_equal(const struct inquiry *a, const struct inquiry *b)
{
    return a->kind == b->kind && a->from_s == b->from_s && a->to_s == b->to_s &&
           a->whole == b->whole && a->limit == b->limit && a->offset == b->offset &&
           a->order == b->order && a->priority == b->priority &&
           slice_equal(a->text, b->text) && slice_equal(a->also, b->also);
}

static struct slice put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return (struct slice){ at, text.len };
}

/* Both texts are of one piece of memory. */
bool inquiry_copy(const struct inquiry *from, struct inquiry *out)
{
    char *texts = malloc(from->text.len + from->also.len + 1);

    if (texts == NULL)
        return false;
    *out = *from;
    out->text = put(texts, from->text);
    out->also = put(texts + from->text.len, from->also);
    return true;
}

void inquiry_free(struct inquiry *given)
{
    free((char *)(uintptr_t)given->text.at); /* a copy, which was made to be written once */
    given->text = given->also = (struct slice){ NULL, 0 };
}
