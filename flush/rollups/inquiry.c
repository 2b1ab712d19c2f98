#include "flush/rollups/inquiry.h"

#include <stdlib.h>

bool inquiry_equal(const struct inquiry *a, const struct inquiry *b)
{
    return a->kind == b->kind && a->from_s == b->from_s && a->to_s == b->to_s &&
           a->whole == b->whole && a->limit == b->limit && a->offset == b->offset &&
           a->order == b->order && slice_equal(a->text, b->text);
}

bool inquiry_copy(const struct inquiry *from, struct inquiry *out)
{
    char *text = malloc(from->text.len + 1);

    if (text == NULL)
        return false;
    if (from->text.len > 0)
        memcpy(text, from->text.at, from->text.len);
    *out = *from;
    out->text.at = text;
    return true;
}

void inquiry_free(struct inquiry *given)
{
    free((char *)(uintptr_t)given->text.at); /* a copy, which was made to be written once */
    given->text = (struct slice){ NULL, 0 };
}
