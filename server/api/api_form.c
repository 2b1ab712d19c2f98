#include "server/api/api_form.h"

#include "flush/memory/json_view.h"
#include "server/api/api_time.h"

bool api_form_absent(struct slice value)
{
    return json_view_kind(value) <= JSON_KIND_NULL;
}

void api_form_or(struct json_out *out, struct slice object, const char *name,
                 const char *instead)
{
    struct slice value = json_view_member(object, name);

    json_out_raw(out, name, api_form_absent(value) ? slice_of(instead) : value);
}

static bool is_one_of(struct slice name, const char *const *names)
{
    while (*names != NULL && !json_view_says(name, *names))
        names++;
    return *names != NULL;
}

void api_form_rest(struct json_out *out, struct slice object, const char *const *names)
{
    api_form_merge(out, object, (struct slice){ NULL, 0 }, names);
}

/* Of a list there are none, or it would be written as what is no JSON. */
static struct slice members_of(struct slice value)
{
    return json_view_kind(value) == JSON_KIND_OBJECT ? json_view_inside(value)
                                                     : (struct slice){ NULL, 0 };
}

void api_form_merge(struct json_out *out, struct slice base, struct slice over,
                    const char *const *names)
{
    struct slice inside = members_of(base), name, value;

    while (json_view_next_member(&inside, &name, &value))
        if (!is_one_of(name, names) && !json_view_has(over, name))
            json_out_member(out, name, value);
    inside = members_of(over);
    while (json_view_next_member(&inside, &name, &value))
        if (!is_one_of(name, names))
            json_out_member(out, name, value);
}

void api_form_time(struct json_out *out, const char *name, int64_t time_ms)
{
    char text[API_TIME_MAX];

    api_time_write(time_ms, text);
    if (time_ms != 0)
        json_out_text(out, name, text);
    else
        json_out_null(out, name);
}

void api_form_seconds(struct json_out *out, const char *name, int64_t time_s)
{
    if (time_s > 0)
        json_out_signed(out, name, time_s);
    else
        json_out_null(out, name);
}
