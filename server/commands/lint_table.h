/* server/commands/lint_table.h: the one table of what heeler lint finds; included again and
 * again, each time with another meaning of its macro.
 *
 *   LINT(id, word, where, sentence)
 *
 * The word is what --allow takes and what is printed; a word that is in use does not change its
 * meaning. where: LINT_EACH_LINE is told at each such line, LINT_EACH_NAME once for a name (and
 * key) and then counted, LINT_AT_END when all is read. docs/commands.md is made of the rows. */

/* clang-format off */

LINT(LINT_REFUSED, "refused", LINT_EACH_LINE,
     "the server refuses the line")
LINT(LINT_UNSENT, "unsent", LINT_EACH_LINE,
     "the server reads the line, and values of it reach no series")
LINT(LINT_TOO_LONG, "too-long", LINT_EACH_LINE,
     "the line is longer than dogstatsd_buffer_size: the rest of it is cut off")
LINT(LINT_UNKNOWN_FIELD, "unknown-field", LINT_EACH_NAME,
     "a field that no server knows, which is skipped")
LINT(LINT_NOT_UTF8, "not-utf8", LINT_EACH_NAME,
     "bytes of no character, which become U+FFFD")
LINT(LINT_INVISIBLE, "invisible", LINT_EACH_NAME,
     "a character that nobody sees, in a name or a tag")
LINT(LINT_QUOTE, "quote", LINT_EACH_NAME,
     "a quote in a tag, which is a part of it")
LINT(LINT_SPACE, "space", LINT_EACH_NAME,
     "a space at an end of a name or a tag, or beside its colon")
LINT(LINT_EMPTY_TAG, "empty-tag", LINT_EACH_NAME,
     "an empty tag, as two commas make it")
LINT(LINT_REPEATED_TAG, "repeated-tag", LINT_EACH_NAME,
     "a tag that stands there twice")
LINT(LINT_RATE_IGNORED, "rate-ignored", LINT_EACH_NAME,
     "a sample rate on a type that takes no notice of it")
LINT(LINT_RATE_RANGE, "rate-range", LINT_EACH_NAME,
     "a sample rate that is not above 0 and at most 1")
LINT(LINT_NAME_REWRITTEN, "name-rewritten", LINT_EACH_NAME,
     "the intake calls the metric otherwise")
LINT(LINT_TAG_REWRITTEN, "tag-rewritten", LINT_EACH_NAME,
     "the intake writes the tag otherwise")
LINT(LINT_MIXED_TYPES, "mixed-types", LINT_EACH_NAME,
     "a name with more than one type")
LINT(LINT_IDENTIFIER, "identifier", LINT_AT_END,
     "a tag whose values look like identifiers: each makes series of its own")
LINT(LINT_PACKABLE, "packable", LINT_AT_END,
     "lines of one process that differ in their value alone: packed into one they are shorter")
