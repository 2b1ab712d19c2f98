#include "server/pictures/picture.h"

#include "flush/memory/json_out.h"
#include "server/pictures/painter.h"

static void put_text(struct json_out *out, const char *name, const char *text)
{
    if (text != NULL)
        json_out_text(out, name, text);
}

static void put_requests(struct json_out *out, const struct picture *picture)
{
    json_out_begin(out, "requests", '[');
    for (size_t i = 0; i < picture->n_requests; i++) {
        const struct picture_request *request = &picture->requests[i];
        json_out_begin(out, NULL, '{');
        put_text(out, "type", request->type);
        put_text(out, "name", request->name);
        json_out_raw(out, "answer", request->answer);
        json_out_end(out, '}');
    }
    json_out_end(out, ']');
}

static void put_picture(struct json_out *out, const struct picture *picture)
{
    json_out_begin(out, NULL, '{');
    put_text(out, "title", picture->title);
    put_text(out, "theme", picture->theme);
    json_out_signed(out, "from", picture->from_s);
    json_out_signed(out, "to", picture->to_s);
    if (picture->width != 0)
        json_out_exact(out, "width", picture->width);
    if (picture->height != 0)
        json_out_exact(out, "height", picture->height);
    if (picture->min != NULL)
        json_out_exact(out, "min", *picture->min);
    if (picture->max != NULL)
        json_out_exact(out, "max", *picture->max);
    if (picture->markers.len > 0)
        json_out_raw(out, "markers", picture->markers);
    put_requests(out, picture);
    json_out_end(out, '}');
}

enum picture_written picture_write(const struct picture *picture, struct bytes *out)
{
    struct json_out json = { .bytes = *out };
    size_t answers = 0, before = out->len;

    for (size_t i = 0; i < picture->n_requests; i++)
        answers += picture->requests[i].answer.len;
    if (answers > PAINTER_DEFINITION_MAX)
        return PICTURE_TOO_LARGE;
    put_picture(&json, picture);
    *out = json.bytes;
    return out->failed                                   ? PICTURE_NO_MEMORY
           : out->len - before <= PAINTER_DEFINITION_MAX ? PICTURE_WRITTEN
                                                         : PICTURE_TOO_LARGE;
}

const char *picture_sentence(enum picture_written result)
{
    return result == PICTURE_TOO_LARGE
               ? "these are too many points for a picture: ask for less time, or for fewer "
                 "series, as by top5()"
               : "not enough memory to draw";
}
