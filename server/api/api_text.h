/* server/api/api_text.h: names and tags of JSON as a line would say them.
 *
 * Tags are joined with commas, so a comma in one becomes an underscore. A line's fields end at
 * a pipe, so one of those becomes a slash. Pure. */
#ifndef SERVER_API_API_TEXT_H
#define SERVER_API_API_TEXT_H

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* Appends what the string says; nothing for any other value. */
void api_text_add(struct bytes *out, struct slice string);

/* The same of a field of a line. */
void api_text_add_field(struct bytes *out, struct slice string);

/* Appends a tag with a comma behind it: "device:", what a string says. */
void api_text_add_tag(struct bytes *out, const char *key, struct slice string);

/* Appends the tags of a list, each with a comma behind it. False: one of them is no text. */
bool api_text_add_tags(struct bytes *out, struct slice list);

/* Appends "host:NAME", which ends the tags. A series without a host has none here either. */
void api_text_add_host(struct bytes *out, struct slice string);

#endif
