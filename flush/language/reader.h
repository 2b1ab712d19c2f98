/* flush/language/reader.h: where a parser stands in the text of a question, and how it refuses.
 *
 * Space counts nowhere. What is taken are views into the text. A refusal names its column, from
 * 1 and in characters, as an editor shows them, and then what was expected there. Pure. */
#ifndef FLUSH_LANGUAGE_READER_H
#define FLUSH_LANGUAGE_READER_H

#include "protocol/slice.h"

#define READER_SPACE " \t\r\n"

struct reader {
    struct slice text, rest; /* of the text, what is not read yet */
    char *problem;           /* the caller's room for a sentence */
    size_t problem_size;
};

/* Writes "column 9: ..." of what stands at that place. Always false: what the caller returns.
 */
__attribute__((format(printf, 3, 4))) bool reader_refuse(struct reader *reader, const char *at,
                                                         const char *format, ...);

void reader_skip_space(struct reader *reader);

/* Skips space. The next character, or NUL at the end. */
char reader_next(struct reader *reader);

/* Skips space and, if it follows, that character. */
bool reader_take(struct reader *reader, char wanted);

/* Takes the text before the first of those characters, without space around it. */
struct slice reader_take_until(struct reader *reader, const char *ends);

/* Takes small letters, digits and _. */
struct slice reader_take_word(struct reader *reader);

/* Takes a number as it is written in sums: digits, a point, an exponent; no sign. False: none
 * stands there, and nothing is taken. */
bool reader_take_number(struct reader *reader, double *out);

/* The text from a place up to where the reader stands, without space around it. */
struct slice reader_text_since(const struct reader *reader, const char *begin);

#endif
