/* flush/memory/json_out.h: a JSON text, written member by member.
 *
 *   json_out_begin(&out, NULL, '{');
 *   json_out_number(&out, "lines", 3);
 *   json_out_end(&out, '}');
 *
 * It puts commas and names; the caller closes what it opened. Text of any bytes is escaped, and
 * is valid UTF-8 afterwards (flush/memory/json.h). Running out of memory is sticky, as in the
 * bytes below. */
#ifndef FLUSH_MEMORY_JSON_OUT_H
#define FLUSH_MEMORY_JSON_OUT_H

#include <stdint.h>

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* { 0 } is ready; bytes_free(&out.bytes) ends it. */
struct json_out {
    struct bytes bytes;
    bool comma; /* before the next member */
};

/* name: NULL in an array, and of the outermost. */
void json_out_begin(struct json_out *out, const char *name, char bracket);
void json_out_end(struct json_out *out, char bracket);

void json_out_number(struct json_out *out, const char *name, uint64_t value);
void json_out_signed(struct json_out *out, const char *name, int64_t value);
void json_out_real(struct json_out *out, const char *name, double value);  /* finite */
void json_out_exact(struct json_out *out, const char *name, double value); /* else null */
void json_out_bool(struct json_out *out, const char *name, bool value);
void json_out_null(struct json_out *out, const char *name);
void json_out_text(struct json_out *out, const char *name, const char *text);
void json_out_slice(struct json_out *out, const char *name, struct slice text);

/* A value that is JSON already; and a member of which the name is too, with its quotes. */
void json_out_raw(struct json_out *out, const char *name, struct slice json);
void json_out_member(struct json_out *out, struct slice quoted_name, struct slice json);

/* Members of which the name may have any bytes. */
void json_out_begin_named(struct json_out *out, struct slice name, char bracket);
void json_out_slice_named(struct json_out *out, struct slice name, struct slice text);
void json_out_raw_named(struct json_out *out, struct slice name, struct slice json);

#endif
