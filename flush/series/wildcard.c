#include "flush/series/wildcard.h"

#include <string.h>

static size_t count_byte(struct slice text, char byte)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == byte;
    return n;
}

/* Cuts off and returns what stands behind the last star; *rest keeps what
 * stands before it. There must be one. */
static struct slice cut_last_star(struct slice *rest)
{
    const char *star = memrchr(rest->at, '*', rest->len);
    size_t before = (size_t)(star - rest->at);
    struct slice literal = slice_skip(*rest, before + 1);

    rest->len = before;
    return literal;
}

/* Cuts text before the last place of literal; *behind is what stood behind. */
static bool cut_last_place(struct slice *text, struct slice literal, struct slice *behind)
{
    for (size_t at = text->len + 1; at-- > 0;)
        if (slice_starts(slice_skip(*text, at), literal)) {
            *behind = slice_skip(*text, at + literal.len);
            text->len = at;
            return true;
        }
    return false;
}

/* One part between dots. A regex would make the first star as long as it can,
 * then the second, and so on. That puts each literal at its last possible
 * place, which is found from the right without ever going back. */
static bool part_matches(struct slice pattern, struct slice text, struct slice *stars)
{
    size_t n = count_byte(pattern, '*');

    if (n == 0)
        return slice_equal(pattern, text);
    struct slice end = cut_last_star(&pattern);
    if (text.len < end.len || !slice_equal(slice_skip(text, text.len - end.len), end))
        return false;
    text.len -= end.len;
    while (n-- > 1)
        if (!cut_last_place(&text, cut_last_star(&pattern), &stars[n]))
            return false;
    if (!slice_starts(text, pattern))
        return false;
    stars[0] = slice_skip(text, pattern.len);
    return true;
}

size_t wildcard_groups(struct slice pattern)
{
    return count_byte(pattern, '*') + 1;
}

size_t wildcard_match(struct slice pattern, struct slice name, struct slice *groups)
{
    size_t dots = count_byte(pattern, '.'), n = 1;

    if (dots != count_byte(name, '.'))
        return 0;
    groups[0] = name;
    for (size_t part = 0; part <= dots; part++) {
        struct slice one = slice_cut(&pattern, '.');

        if (!part_matches(one, slice_cut(&name, '.'), &groups[n]))
            return 0;
        n += count_byte(one, '*');
    }
    return n;
}
