#include "flush/memory/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "flush/memory/json.h"
#include "protocol/number.h"

static void put(struct json_out *out, const char *text)
{
    bytes_add_text(&out->bytes, text);
}

static void separate(struct json_out *out)
{
    if (out->comma)
        put(out, ",");
    out->comma = true;
}

static void begin_named(struct json_out *out, struct slice name)
{
    separate(out);
    json_add_string(&out->bytes, name);
    put(out, ":");
}

static void begin(struct json_out *out, const char *name)
{
    if (name != NULL)
        begin_named(out, slice_of(name));
    else
        separate(out);
}

void json_out_begin(struct json_out *out, const char *name, char bracket)
{
    begin(out, name);
    bytes_add(&out->bytes, &bracket, 1);
    out->comma = false;
}

void json_out_end(struct json_out *out, char bracket)
{
    bytes_add(&out->bytes, &bracket, 1);
    out->comma = true;
}

void json_out_number(struct json_out *out, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    begin(out, name);
    put(out, text);
}

void json_out_signed(struct json_out *out, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    begin(out, name);
    put(out, text);
}

void json_out_real(struct json_out *out, const char *name, double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.6g", value);
    begin(out, name);
    put(out, text);
}

void json_out_exact(struct json_out *out, const char *name, double value)
{
    char text[NUMBER_TEXT_MAX];

    if (!isfinite(value)) {
        json_out_null(out, name);
        return;
    }
    begin(out, name);
    bytes_add(&out->bytes, text, number_format(value, text));
}

void json_out_bool(struct json_out *out, const char *name, bool value)
{
    begin(out, name);
    put(out, value ? "true" : "false");
}

void json_out_null(struct json_out *out, const char *name)
{
    begin(out, name);
    put(out, "null");
}

void json_out_text(struct json_out *out, const char *name, const char *text)
{
    json_out_slice(out, name, slice_of(text));
}

void json_out_slice(struct json_out *out, const char *name, struct slice text)
{
    begin(out, name);
    json_add_string(&out->bytes, text);
}

void json_out_raw(struct json_out *out, const char *name, struct slice json)
{
    begin(out, name);
    bytes_add(&out->bytes, json.at, json.len);
}

void json_out_member(struct json_out *out, struct slice quoted_name, struct slice json)
{
    begin(out, NULL);
    bytes_add(&out->bytes, quoted_name.at, quoted_name.len);
    put(out, ":");
    bytes_add(&out->bytes, json.at, json.len);
}

void json_out_begin_named(struct json_out *out, struct slice name, char bracket)
{
    begin_named(out, name);
    bytes_add(&out->bytes, &bracket, 1);
    out->comma = false;
}

void json_out_slice_named(struct json_out *out, struct slice name, struct slice text)
{
    begin_named(out, name);
    json_add_string(&out->bytes, text);
}

void json_out_raw_named(struct json_out *out, struct slice name, struct slice json)
{
    begin_named(out, name);
    bytes_add_slice(&out->bytes, json);
}
