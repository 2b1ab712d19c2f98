#include "flush/history/told.h"

#include "flush/memory/wire.h"

static void put_number(struct bytes *to, uint64_t number)
{
    uint8_t varint[VARINT_MAX];

    bytes_add(to, varint, (size_t)(varint_put(varint, number) - varint));
}

static void put_text(struct bytes *to, struct slice text)
{
    put_number(to, text.len);
    bytes_add(to, text.at, text.len);
}

void told_put(struct bytes *to, uint32_t number, const struct store_series *series)
{
    size_t n = series->n_tags < STORE_TAGS_MAX ? series->n_tags : STORE_TAGS_MAX;

    put_number(to, number);
    put_number(to, series->kind);
    put_number(to, series->unit);
    put_text(to, series->name);
    put_text(to, series->host);
    put_number(to, n);
    for (size_t i = 0; i < n; i++)
        put_text(to, series->tags[i]);
}

static uint64_t get_number(struct slice *from)
{
    const uint8_t *at = (const uint8_t *)from->at;
    uint64_t number = 0;

    (void)varint_get(&at, at + from->len, &number); /* it is there */
    *from = slice_skip(*from, (size_t)(at - (const uint8_t *)from->at));
    return number;
}

static struct slice get_text(struct slice *from)
{
    struct slice text = { NULL, (size_t)get_number(from) };

    text.at = from->at;
    *from = slice_skip(*from, text.len);
    return text;
}

bool told_next(struct slice *rest, struct told *out)
{
    if (rest->len == 0)
        return false;
    out->number = (uint32_t)get_number(rest);
    out->series.kind = (uint8_t)get_number(rest);
    out->series.unit = (uint8_t)get_number(rest);
    out->series.name = get_text(rest);
    out->series.host = get_text(rest);
    out->series.n_tags = (size_t)get_number(rest);
    for (size_t i = 0; i < out->series.n_tags; i++)
        out->tags[i] = get_text(rest);
    out->series.tags = out->tags;
    return true;
}
