#include "server/api/api_text.h"

#include "flush/memory/json_view.h"

void api_text_add(struct bytes *out, struct slice string)
{
    unsigned char *room = bytes_room(out, string.len);

    if (room != NULL)
        out->len += json_view_text(string, (char *)room);
}

static void replace(struct bytes *out, size_t from, char old, char new)
{
    for (size_t i = from; i < out->len; i++)
        if (out->at[i] == (unsigned char)old)
            out->at[i] = (unsigned char)new;
}

void api_text_add_field(struct bytes *out, struct slice string)
{
    size_t from = out->len;

    api_text_add(out, string);
    replace(out, from, '|', '/');
}

void api_text_add_tag(struct bytes *out, const char *key, struct slice string)
{
    bytes_add(out, key, strlen(key));
    size_t from = out->len;

    api_text_add_field(out, string);
    replace(out, from, ',', '_');
    bytes_add(out, ",", 1);
}

bool api_text_add_tags(struct bytes *out, struct slice list)
{
    struct slice inside = json_view_inside(list), tag;

    if (json_view_kind(list) != JSON_KIND_ARRAY)
        return json_view_kind(list) <= JSON_KIND_NULL;
    while (json_view_next_item(&inside, &tag)) {
        if (json_view_kind(tag) != JSON_KIND_STRING)
            return false;
        api_text_add_tag(out, "", tag);
    }
    return true;
}

void api_text_add_host(struct bytes *out, struct slice string)
{
    bytes_add(out, "host:", 5);
    size_t from = out->len;

    api_text_add_field(out, string);
    replace(out, from, ',', '_');
}
