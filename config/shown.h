/* config/shown.h: bytes of strangers, as a terminal may get them.
 *
 * Names, tags, hosts and lines come from anybody, and a terminal obeys more than ESC: control
 * characters (C0, DEL, and C1 in UTF-8), and characters of format, which nobody sees and which
 * turn the text around them (bidi) or hide it (Unicode's category Cf, and its separators of
 * lines). Each byte of these, and each that belongs to no character, is shown as "\x1b". What
 * is left is plain: it stands for itself, whatever its script.
 *
 * Pure but for the stream that is written to. */
#ifndef CONFIG_SHOWN_H
#define CONFIG_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether the character that the n bytes (one at least) begin with is plain. *len: its bytes;
 * 1 for a byte that belongs to none. */
bool shown_is_plain(const char *at, size_t n, size_t *len);

/* What stands for a character of len bytes that is not plain, NUL-terminated: "\xc2\x9b", or in
 * JSON "\u009b", where a byte of no character is "\ufffd". Returns its length. */
enum { SHOWN_ESCAPE_SIZE = 20 };
size_t shown_escape(const char *at, size_t len, bool json, char out[SHOWN_ESCAPE_SIZE]);

/* The text; nothing of it is interpreted, a backslash stands for itself. */
void shown_put(FILE *out, const char *at, size_t n);
void shown_put_text(FILE *out, const char *text);

/* A JSON text as it came, for a reader of JSON: what is not plain becomes an escape that means
 * the same; ends of lines and tabs stay between tokens. A bare CR becomes a newline. */
void shown_put_json(FILE *out, const char *at, size_t n);

#endif
