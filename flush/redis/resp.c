#include "flush/redis/resp.h"

#include <inttypes.h>
#include <stdio.h>

static void put_length(struct bytes *out, char kind, size_t n)
{
    char text[32];

    bytes_add(out, text, (size_t)snprintf(text, sizeof text, "%c%zu\r\n", kind, n));
}

void resp_command(struct bytes *out, size_t n_words)
{
    put_length(out, '*', n_words);
}

void resp_word(struct bytes *out, struct slice word)
{
    put_length(out, '$', word.len);
    bytes_add(out, word.at, word.len);
    bytes_add(out, "\r\n", 2);
}

void resp_number(struct bytes *out, int64_t number)
{
    char text[24];

    resp_word(out,
              (struct slice){ text, (size_t)snprintf(text, sizeof text, "%" PRId64, number) });
}

/* Takes one byte, the number behind it, and the \r\n that ends it. */
static size_t take_length(struct slice *rest)
{
    size_t n = 0;

    for (*rest = slice_skip(*rest, 1); rest->len > 1 && rest->at[0] != '\r';
         *rest = slice_skip(*rest, 1))
        n = n * 10 + (size_t)(rest->at[0] - '0');
    *rest = slice_skip(*rest, 2);
    return n;
}

static struct slice take_word(struct slice *rest)
{
    size_t len = take_length(rest);
    struct slice word = { rest->at, len };

    *rest = slice_skip(*rest, len + 2);
    return word;
}

bool resp_next(struct slice *commands, struct resp_view *out)
{
    struct slice rest = *commands;

    if (rest.len == 0)
        return false;
    *out = (struct resp_view){ .n_words = take_length(&rest) };
    for (size_t i = 0; i < out->n_words; i++) {
        struct slice word = take_word(&rest);
        if (i == 0)
            out->name = word;
        else if (i == 1)
            out->key = word;
    }
    out->whole = (struct slice){ commands->at, commands->len - rest.len };
    *commands = rest;
    return true;
}
