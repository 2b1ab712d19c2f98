#include "flush/language/scope.h"

#include <ctype.h>
#include <strings.h>

static bool read_any(struct reader *reader, struct scope *out, int depth);

/* ---- the program ------------------------------------------------------- */

static bool push(struct reader *reader, struct scope *out, const char *at, unsigned step)
{
    if (out->n_steps == SCOPE_STEPS_MAX)
        return reader_refuse(reader, at, "expected a scope with fewer operators");
    out->program[out->n_steps++] = (uint8_t)step;
    return true;
}

static bool push_term(struct reader *reader, struct scope *out, struct slice key,
                      struct slice tag)
{
    if (out->n_terms == SCOPE_TERMS_MAX)
        return reader_refuse(reader, tag.at, "expected no more than %d tags", SCOPE_TERMS_MAX);
    out->terms[out->n_terms] =
        (struct scope_term){ key, tag, memchr(tag.at, '*', tag.len) != NULL };
    return push(reader, out, tag.at, (unsigned)out->n_terms++);
}

/* ---- words between tags ------------------------------------------------ */

static const char *const between[] = { "AND", "OR", "IN", "NOT" };

/* Whether that word begins there, with its end behind it. */
static bool is_word(struct slice text, const char *word)
{
    size_t len = strlen(word);

    return text.len > len && strncasecmp(text.at, word, len) == 0 &&
           slice_is_one_of(text.at[len], READER_SPACE "(!,)}");
}

static bool take_word(struct reader *reader, const char *word)
{
    reader_skip_space(reader);
    if (!is_word(reader->rest, word))
        return false;
    reader->rest = slice_skip(reader->rest, strlen(word));
    return true;
}

/* Whether a tag ends before that byte. */
static bool ends_tag(struct slice rest, size_t at, int depth)
{
    if (rest.at[at] == ',' || rest.at[at] == '}' || (rest.at[at] == ')' && depth > 0))
        return true;
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++)
        if (slice_is_one_of(rest.at[at], READER_SPACE) &&
            is_word(slice_skip(rest, at + 1), between[i]))
            return true;
    return false;
}

static struct slice take_tag(struct reader *reader, int depth)
{
    size_t n = 0;

    reader_skip_space(reader);
    while (n < reader->rest.len && !ends_tag(reader->rest, n, depth))
        n++;
    struct slice tag = { reader->rest.at, n };
    reader->rest = slice_skip(reader->rest, n);
    return slice_trim(tag, READER_SPACE);
}

/* ---- what is written otherwise here ------------------------------------ */

/* What would only be looked for in vain is refused: quotes, variables, other signs. A tag that
 * has one of these all the same is found by a pattern. */
static bool check_value(struct reader *reader, struct slice value)
{
    if (slice_is_one_of(value.at[0], "'\""))
        return reader_refuse(reader, value.at,
                             "expected no quotes: * finds those of a tag itself");
    if (value.at[0] == '$')
        return reader_refuse(reader, value.at,
                             "expected a value, as dashboards fill it in for a variable");
    return true;
}

static bool check_parentheses(struct reader *reader, struct slice tag)
{
    int open = 0;

    for (size_t i = 0; i < tag.len; i++) {
        open += (tag.at[i] == '(') - (tag.at[i] == ')');
        if (open < 0)
            return reader_refuse(reader, tag.at + i, "expected , or } behind the tag");
    }
    return true;
}

/* Whether a word is a tag of its own, as the second one of "env:dev role:web" is. A time
 * (10:30) and an address (http://x) are none. */
static bool is_tag(struct slice word)
{
    struct slice value = word, key = slice_cut(&value, ':');

    return key.len > 0 && isalpha((unsigned char)key.at[0]) && value.len > 0 &&
           value.at[0] != '/';
}

static bool check_tag(struct reader *reader, struct slice tag)
{
    struct slice value = tag, words = tag;

    (void)slice_cut(&value, ':');
    if (tag.at[0] == '-')
        return reader_refuse(reader, tag.at, "expected ! or NOT before what must not be there");
    if (value.len > 0 && value.at[0] == '(')
        return reader_refuse(reader, value.at, "expected one value; of several KEY IN (A, B)");
    if (!check_value(reader, tag) || (value.len > 0 && !check_value(reader, value)) ||
        !check_parentheses(reader, tag))
        return false;
    (void)slice_cut(&words, ' ');
    while (words.len > 0) {
        struct slice word = slice_cut(&words, ' ');
        if (is_tag(word))
            return reader_refuse(reader, word.at, "expected , AND or OR before the next tag");
    }
    return true;
}

/* ---- key IN (value, ...) ----------------------------------------------- */

static bool read_values(struct reader *reader, struct scope *out, struct slice key)
{
    size_t n = 0;

    do {
        struct slice value = reader_take_until(reader, ",)}");
        if (value.len == 0)
            return reader_refuse(reader, value.at, "expected a value of %.*s", (int)key.len,
                                 key.at);
        if (!check_value(reader, value) || !push_term(reader, out, key, value) ||
            (n++ > 0 && !push(reader, out, value.at, SCOPE_OR)))
            return false;
    } while (reader_take(reader, ','));
    return reader_take(reader, ')') ||
           reader_refuse(reader, reader->rest.at, "expected , or ) behind the value");
}

static bool read_in(struct reader *reader, struct scope *out, struct slice key, bool negated)
{
    if (memchr(key.at, '*', key.len) != NULL || memchr(key.at, ':', key.len) != NULL)
        return reader_refuse(reader, key.at, "expected the key of a tag before IN");
    if (!reader_take(reader, '('))
        return reader_refuse(reader, reader->rest.at, "expected ( behind IN");
    return read_values(reader, out, key) && (!negated || push(reader, out, key.at, SCOPE_NOT));
}

/* ---- one tag, and what stands before it -------------------------------- */

static bool read_tag(struct reader *reader, struct scope *out, const char *negation, int depth)
{
    struct slice tag = take_tag(reader, depth);
    bool all = slice_equal(tag, SLICE("*"));

    if (negation != NULL && (tag.len == 0 || all))
        return reader_refuse(reader, tag.at, "expected a tag behind %s", negation);
    if (tag.len == 0)
        return reader_refuse(reader, tag.at, "expected a tag or *");
    if (take_word(reader, "IN"))
        return read_in(reader, out, tag, false);
    if (take_word(reader, "NOT")) {
        if (!take_word(reader, "IN"))
            return reader_refuse(reader, reader->rest.at, "expected IN behind NOT");
        return read_in(reader, out, tag, true);
    }
    if (all)
        return push(reader, out, tag.at, SCOPE_ALL);
    return check_tag(reader, tag) && push_term(reader, out, (struct slice){ tag.at, 0 }, tag);
}

static bool read_one(struct reader *reader, struct scope *out, const char *negation, int depth)
{
    const char *at = reader->rest.at;

    if (depth == SCOPE_DEPTH_MAX)
        return reader_refuse(reader, at, "expected no more than %d levels", SCOPE_DEPTH_MAX);
    if (reader_take(reader, '!'))
        return read_one(reader, out, "!", depth + 1) && push(reader, out, at, SCOPE_NOT);
    if (take_word(reader, "NOT"))
        return read_one(reader, out, "NOT", depth + 1) && push(reader, out, at, SCOPE_NOT);
    if (!reader_take(reader, '('))
        return read_tag(reader, out, negation, depth);
    return read_any(reader, out, depth + 1) &&
           (reader_take(reader, ')') ||
            reader_refuse(reader, reader->rest.at, "expected , or ) behind the tag"));
}

static bool read_all(struct reader *reader, struct scope *out, int depth)
{
    const char *at = reader->rest.at;

    if (!read_one(reader, out, NULL, depth))
        return false;
    while (reader_take(reader, ',') || take_word(reader, "AND"))
        if (!read_one(reader, out, NULL, depth) || !push(reader, out, at, SCOPE_AND))
            return false;
    return true;
}

static bool read_any(struct reader *reader, struct scope *out, int depth)
{
    const char *at = reader->rest.at;

    if (!read_all(reader, out, depth))
        return false;
    while (take_word(reader, "OR"))
        if (!read_all(reader, out, depth) || !push(reader, out, at, SCOPE_OR))
            return false;
    return true;
}

bool scope_read(struct reader *reader, struct scope *out)
{
    const char *begin = reader->rest.at;

    *out = (struct scope){ .n_terms = 0 };
    if (!read_any(reader, out, 0))
        return false;
    out->text = reader_text_since(reader, begin);
    return reader_take(reader, '}') ||
           reader_refuse(reader, reader->rest.at, "expected , or } behind the tag");
}

/* ---- evaluation -------------------------------------------------------- */

/* The values that wait for their operator are bits of a number, the newest the lowest. There
 * are never more than twice as many as levels. */
bool scope_holds(const struct scope *scope, uint32_t terms)
{
    uint64_t stack = 0;

    for (size_t i = 0; i < scope->n_steps; i++) {
        unsigned step = scope->program[i];
        if (step == SCOPE_NOT)
            stack ^= 1;
        else if (step == SCOPE_AND)
            stack = stack >> 1 & (stack | ~UINT64_C(1));
        else if (step == SCOPE_OR)
            stack = stack >> 1 | (stack & 1);
        else
            stack = stack << 1 | (step == SCOPE_ALL || (terms >> step & 1) != 0);
    }
    return (stack & 1) != 0;
}

size_t scope_requires(const struct scope *scope, struct slice *out, size_t most)
{
    size_t n = 0;

    for (size_t i = 0; i < scope->n_steps; i++) {
        unsigned step = scope->program[i];
        bool is_term = step < SCOPE_ALL;
        bool is_turned = i + 1 < scope->n_steps && scope->program[i + 1] == SCOPE_NOT;

        if (step == SCOPE_OR || (!is_term && is_turned))
            return 0;
        if (!is_term || is_turned || n == most)
            continue;
        const struct scope_term *term = &scope->terms[step];

        if (term->key.len == 0 && !term->pattern)
            out[n++] = term->tag;
    }
    return n;
}

/* Between two stars the first place where the text goes on as it should is as good as any, so
 * this takes no longer than the text and the pattern together. */
bool scope_pattern_fits(struct slice pattern, struct slice text)
{
    bool star = memchr(pattern.at, '*', pattern.len) != NULL;
    struct slice part = slice_cut(&pattern, '*');

    if (!star)
        return slice_equal(part, text);
    if (!slice_starts(text, part))
        return false;
    text = slice_skip(text, part.len);
    while (memchr(pattern.at, '*', pattern.len) != NULL) {
        part = slice_cut(&pattern, '*');
        const char *found = memmem(text.at, text.len, part.at, part.len);
        if (found == NULL)
            return false;
        text = slice_skip(text, (size_t)(found - text.at) + part.len);
    }
    return text.len >= pattern.len &&
           slice_equal(slice_skip(text, text.len - pattern.len), pattern);
}
