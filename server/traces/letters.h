/* server/traces/letters.h: what is a letter or a digit in any script, and its lower case.
 *
 * By the tables of PCRE2, which follow Unicode: the C library has them only where a locale is
 * installed, which an image from scratch lacks. */
#ifndef SERVER_TRACES_LETTERS_H
#define SERVER_TRACES_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

/* A character: n bytes that begin above ASCII and are valid UTF-8. Lower case is written in
 * place where it has as many bytes. False: it is neither a letter nor a digit, or there is no
 * memory. */
bool letters_lower(char *at, size_t n);

#endif
