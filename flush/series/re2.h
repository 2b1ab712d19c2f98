/* flush/series/re2.h: is a regex written for RE2?
 *
 * The Agent's patterns are RE2's, and here PCRE2 matches them. PCRE2 knows more: looking
 * around, referring back, possessive repetitions, verbs. A pattern that uses such a thing
 * works nowhere else and may run away, so it is refused. */
#ifndef FLUSH_SERIES_RE2_H
#define FLUSH_SERIES_RE2_H

/* Where the pattern uses what only PCRE2 knows, a view into it; NULL: nowhere. That the
 * pattern is valid is for PCRE2 to say. */
const char *re2_find_foreign(const char *pattern);

#endif
