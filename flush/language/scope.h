/* flush/language/scope.h: which series a query is about, as it stands between its braces.
 *
 *   *                     everything
 *   env:prod              those that have the tag; a * in it stands for any bytes
 *   a,b   a AND b         both; binds closer than OR
 *   a OR b
 *   !a    NOT a           not
 *   key IN (v,w)          key:v or key:w; key NOT IN (v,w)
 *   (...)                 in parentheses
 *
 * The words of operators, in capitals or small, have space around them, as a tag may hold
 * anything else. A parsed scope is a list of terms, and a program over them in the order of its
 * evaluation (operands before their operator). Pure; everything is a view into the text. */
#ifndef FLUSH_LANGUAGE_SCOPE_H
#define FLUSH_LANGUAGE_SCOPE_H

#include <stdint.h>

#include "flush/language/reader.h"

enum {
    SCOPE_TERMS_MAX = 32,
    SCOPE_DEPTH_MAX = 16,
    SCOPE_STEPS_MAX = 160,
    /* Steps of the program; those below are numbers of terms. */
    SCOPE_ALL = 0xf0,
    SCOPE_NOT,
    SCOPE_AND,
    SCOPE_OR
};

struct scope_term {
    struct slice key; /* of IN: what stands before the colon, which is not in the text */
    struct slice tag; /* the whole tag, or its value behind that key */
    bool pattern;     /* it has a * */
};

struct scope {
    struct slice text; /* without the braces */
    struct scope_term terms[SCOPE_TERMS_MAX];
    size_t n_terms;
    uint8_t program[SCOPE_STEPS_MAX];
    size_t n_steps;
};

/* Reads from behind the { to behind the }. False with a sentence. */
bool scope_read(struct reader *reader, struct scope *out);

/* Whether the program holds, of terms that hold where their bit is set. */
bool scope_holds(const struct scope *scope, uint32_t terms);

/* The tags that whatever it holds for must have: at most so many of them, and none where OR or
 * a NOT of more than one leave it open. */
size_t scope_requires(const struct scope *scope, struct slice *out, size_t most);

/* Whether the text is like the pattern, of which each * stands for any bytes. */
bool scope_pattern_fits(struct slice pattern, struct slice text);

#endif
