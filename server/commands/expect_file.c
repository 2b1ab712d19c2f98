#include "server/commands/expect_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/yaml_document.h"
#include "protocol/number.h"

/* Where we are in the file. */
struct reader {
    struct expect_file *file;
    struct problems *problems;
    const char *path; /* as sentences name it */
};

enum { QUOTED_SIZE = 80, PATH_SHOWN = 256 };

/* ---- nodes ------------------------------------------------------------- */

static yaml_node_t *node_at(const struct reader *reader, int number)
{
    return yaml_document_get_node(&reader->file->document, number);
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static struct slice text_of(const yaml_node_t *node)
{
    return (struct slice){ (const char *)node->data.scalar.value, node->data.scalar.length };
}

static const char *quoted(struct slice text, char out[QUOTED_SIZE])
{
    return log_quote(text.at, text.len, out, QUOTED_SIZE);
}

/* "FILE:LINE: "word": sentence." The word is one of the file. */
static bool complain(struct reader *reader, const yaml_node_t *node, struct slice word,
                     const char *sentence)
{
    char shown[QUOTED_SIZE];

    problems_error(reader->problems, "%s:%zu: \"%s\": %s.", reader->path, line_of(node),
                   quoted(word, shown), sentence);
    return false;
}

static bool is_text(struct reader *reader, const yaml_node_t *node, struct slice key,
                    struct slice *out)
{
    if (node->type == YAML_MAPPING_NODE)
        return complain(reader, node, key,
                        "here is a map, and a text is expected (a tag has no blank behind its "
                        "colon, and what has one belongs into quotes)");
    if (node->type != YAML_SCALAR_NODE)
        return complain(reader, node, key, "here is a list, and a text is expected");
    *out = text_of(node);
    if (out->len == 0 && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return complain(reader, node, key, "nothing stands behind it");
    return true;
}

static bool is_switch(struct reader *reader, const yaml_node_t *node, struct slice key,
                      bool *out)
{
    struct slice text;

    if (!is_text(reader, node, key, &text))
        return false;
    *out = slice_equal(text, SLICE("true")) || slice_equal(text, SLICE("yes"));
    return *out || slice_equal(text, SLICE("false")) || slice_equal(text, SLICE("no")) ||
           complain(reader, node, key, "it is true or false");
}

/* An owned list of texts; NULL of an empty one. */
static bool is_list(struct reader *reader, const yaml_node_t *node, struct slice key,
                    struct slice **out, size_t *n)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return complain(reader, node, key, "a list is expected: [one, two]");
    const yaml_node_item_t *item = node->data.sequence.items.start;
    size_t most = (size_t)(node->data.sequence.items.top - item);

    if (most > EXPECTED_TAGS_MAX)
        return complain(reader, node, key, "the list has more than 128 items");
    free(*out);
    *n = 0;
    *out = most > 0 ? calloc(most, sizeof **out) : NULL;
    if (most > 0 && *out == NULL) {
        reader->problems->out_of_memory = true;
        return false;
    }
    for (; item < node->data.sequence.items.top; item++)
        if (!is_text(reader, node_at(reader, *item), key, &(*out)[(*n)++]))
            return false;
    return true;
}

/* ---- numbers ----------------------------------------------------------- */

/* The words that stand before a number. */
static const struct {
    const char *word;
    bool from, open; /* the number is the lower end; it is not meant itself */
} bounds[] = {
    { "at least ", true, false },  { ">=", true, false },        { "at most ", false, false },
    { "<=", false, false },        { "more than ", true, true }, { ">", true, true },
    { "less than ", false, true }, { "<", false, true },
};

static bool read_double(struct slice text, double *out)
{
    return number_double(slice_trim(text, " "), out) && isfinite(*out);
}

static bool read_bound(struct slice text, struct expected_number *out)
{
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct slice word = slice_of(bounds[i].word);

        if (!slice_starts(text, word))
            continue;
        out->above = bounds[i].from && bounds[i].open;
        out->below = !bounds[i].from && bounds[i].open;
        return read_double(slice_skip(text, word.len), bounds[i].from ? &out->low : &out->high);
    }
    return false;
}

static bool read_range(struct slice text, struct expected_number *out)
{
    const char *dots = text.len > 0 ? memmem(text.at, text.len, "..", 2) : NULL;

    if (dots == NULL)
        return false;
    struct slice low = { text.at, (size_t)(dots - text.at) };

    return read_double(low, &out->low) &&
           read_double(slice_skip(text, low.len + 2), &out->high) && out->low <= out->high;
}

static bool read_number(struct slice text, struct expected_number *out)
{
    out->text = text = slice_trim(text, " ");
    out->low = -INFINITY;
    out->high = INFINITY;
    if (read_bound(text, out) || read_range(text, out))
        return true;
    out->above = out->below = false;
    if (!read_double(text, &out->low))
        return false;
    out->high = out->low;
    return true;
}

static bool is_number(struct reader *reader, const yaml_node_t *node, struct slice key,
                      struct expected_number *out)
{
    struct slice text;

    if (!is_text(reader, node, key, &text))
        return false;
    out->key = key;
    return read_number(text, out) ||
           complain(reader, node, text,
                    "it is 3, 3..5, at least 3, at most 5, more than 3 or less than 5");
}

bool expect_number_fits(const struct expected_number *number, double value)
{
    double slack = 1e-9 * fabs(value);

    if (!isfinite(value))
        return false;
    if (number->above ? value <= number->low : value < number->low - slack)
        return false;
    return number->below ? value < number->high : value <= number->high + slack;
}

/* ---- the keys of one expectation --------------------------------------- */

enum {
    OF_SERIES = 1 << EXPECT_SERIES,
    OF_EVENT = 1 << EXPECT_EVENT,
    OF_CHECK = 1 << EXPECT_CHECK
};

static const struct field_row {
    const char *key;
    int kinds;
    enum expect_field field;
    const char *choices; /* NULL: any text */
} field_rows[] = {
    { "name", OF_SERIES | OF_CHECK, FIELD_NAME, NULL },
    { "title", OF_EVENT, FIELD_NAME, NULL },
    { "type", OF_SERIES, FIELD_WORD, "count gauge set histogram distribution" },
    { "alert", OF_EVENT, FIELD_WORD, "info success warning error" },
    { "status", OF_CHECK, FIELD_WORD, "ok warning critical unknown" },
    { "unit", OF_SERIES, FIELD_UNIT, NULL },
    { "host", OF_SERIES | OF_EVENT | OF_CHECK, FIELD_HOST, NULL },
    { "text", OF_EVENT, FIELD_TEXT, NULL },
    { "message", OF_CHECK, FIELD_TEXT, NULL },
    { "priority", OF_EVENT, FIELD_PRIORITY, "normal low" },
    { "source", OF_EVENT, FIELD_SOURCE, NULL },
    { "key", OF_EVENT, FIELD_KEY, NULL },
};

static const struct stat_row {
    const char *key;
    int kinds;
    enum expect_stat stat;
} stat_rows[] = {
    { "value", OF_SERIES, STAT_VALUE },
    { "count", OF_SERIES | OF_EVENT | OF_CHECK, STAT_COUNT },
    { "sum", OF_SERIES, STAT_SUM },
    { "min", OF_SERIES, STAT_MIN },
    { "max", OF_SERIES, STAT_MAX },
    { "avg", OF_SERIES, STAT_AVG },
    { "median", OF_SERIES, STAT_MEDIAN },
};

static const char *const known_keys[EXPECT_KINDS] = {
    "known are name, type, tags, tags_exactly, host, unit, value, count, sum, min, max, avg, "
    "median, p1 to p99 and absent",
    "known are title, text, alert, priority, source, key, tags, tags_exactly, host, count and "
    "absent",
    "known are name, status, message, tags, tags_exactly, host, count and absent",
};

/* Whether one of the words, which stand apart by blanks, is the text. */
static bool is_one_of(const char *words, struct slice text)
{
    struct slice rest = slice_of(words);

    while (rest.len > 0)
        if (slice_equal(slice_cut(&rest, ' '), text))
            return true;
    return false;
}

static bool set_field(struct reader *reader, struct expectation *out,
                      const struct field_row *row, struct slice key, const yaml_node_t *node)
{
    char sentence[128];

    if (!is_text(reader, node, key, &out->fields[row->field]))
        return false;
    if (row->choices == NULL || is_one_of(row->choices, out->fields[row->field]))
        return true;
    snprintf(sentence, sizeof sentence, "%s is one of %s", row->key, row->choices);
    return complain(reader, node, out->fields[row->field], sentence);
}

/* "p95": 95; 0: it is none. */
static int percent_of(struct slice key)
{
    int64_t percent;

    return key.len >= 2 && key.at[0] == 'p' && key.at[1] >= '1' && key.at[1] <= '9' &&
                   number_int64(slice_skip(key, 1), &percent) && percent < 100
               ? (int)percent
               : 0;
}

static bool find_stat(enum expect_kind kind, struct slice key, struct expected_number *out)
{
    for (size_t i = 0; i < sizeof stat_rows / sizeof stat_rows[0]; i++)
        if ((stat_rows[i].kinds >> kind & 1) && slice_equal(key, slice_of(stat_rows[i].key))) {
            out->stat = stat_rows[i].stat;
            return true;
        }
    out->stat = STAT_PERCENTILE;
    out->percent = kind == EXPECT_SERIES ? percent_of(key) : 0;
    return out->percent > 0;
}

static const struct field_row *find_field(enum expect_kind kind, struct slice key)
{
    for (size_t i = 0; i < sizeof field_rows / sizeof field_rows[0]; i++)
        if ((field_rows[i].kinds >> kind & 1) && slice_equal(key, slice_of(field_rows[i].key)))
            return &field_rows[i];
    return NULL;
}

static bool add_number(struct reader *reader, struct expectation *out,
                       struct expected_number number, struct slice key, const yaml_node_t *node)
{
    if (out->n_numbers == EXPECTED_NUMBERS_MAX)
        return complain(reader, node, key, "one expectation has 12 numbers at most");
    if (!is_number(reader, node, key, &number))
        return false;
    out->numbers[out->n_numbers++] = number;
    return true;
}

static bool read_tags(struct reader *reader, struct expectation *out, struct slice key,
                      const yaml_node_t *key_node, const yaml_node_t *node)
{
    if (out->has_tags)
        return complain(reader, key_node, key,
                        "tags and tags_exactly both: one of both is too much");
    out->has_tags = true;
    out->exactly = slice_equal(key, SLICE("tags_exactly"));
    return is_list(reader, node, key, &out->tags, &out->n_tags);
}

static bool read_pair(struct reader *reader, struct expectation *out, struct slice key,
                      const yaml_node_t *key_node, const yaml_node_t *node)
{
    const struct field_row *row = find_field(out->kind, key);
    struct expected_number number = { .percent = 0 };

    if (row != NULL)
        return set_field(reader, out, row, key, node);
    if (find_stat(out->kind, key, &number))
        return add_number(reader, out, number, key, node);
    if (slice_equal(key, SLICE("absent")))
        return is_switch(reader, node, key, &out->absent);
    if (slice_equal(key, SLICE("tags")) || slice_equal(key, SLICE("tags_exactly")))
        return read_tags(reader, out, key, key_node, node);
    return complain(reader, key_node, key, known_keys[out->kind]);
}

/* ---- maps -------------------------------------------------------------- */

static bool is_again(struct reader *reader, const yaml_node_t *map,
                     const yaml_node_pair_t *pair, struct slice key)
{
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *before = node_at(reader, p->key);

        if (before->type == YAML_SCALAR_NODE && slice_equal(text_of(before), key))
            return true;
    }
    return false;
}

typedef bool read_map_pair(struct reader *reader, void *out, struct slice key,
                           const yaml_node_t *key_node, const yaml_node_t *node);

/* Each pair, also behind one that is wrong; false: one was. More than 64 keys are no map of
 * ours, and would take long to compare. */
static bool read_map(struct reader *reader, const yaml_node_t *map, read_map_pair *read,
                     void *out)
{
    enum { PAIRS_MAX = 64 };
    const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    bool fine = map->data.mapping.pairs.top - pair <= PAIRS_MAX;

    if (!fine)
        return complain(reader, map, SLICE("{}"), "the map has more than 64 keys");
    for (; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = node_at(reader, pair->key);
        struct slice key = SLICE("");

        if (!is_text(reader, key_node, SLICE("key"), &key))
            fine = false;
        else if (is_again(reader, map, pair, key))
            fine = complain(reader, key_node, key, "it stands here twice");
        else
            fine = read(reader, out, key, key_node, node_at(reader, pair->value)) && fine;
    }
    return fine;
}

static bool read_expectation_pair(struct reader *reader, void *out, struct slice key,
                                  const yaml_node_t *key_node, const yaml_node_t *node)
{
    return read_pair(reader, out, key, key_node, node);
}

/* A number of what has none, as far as the file alone tells. */
static bool numbers_make_sense(const struct expectation *expectation)
{
    struct slice type = expectation->fields[FIELD_WORD];

    if (expectation->kind != EXPECT_SERIES || type.at == NULL)
        return true;
    bool many = is_one_of("histogram distribution", type);
    for (size_t i = 0; i < expectation->n_numbers; i++)
        if ((expectation->numbers[i].stat == STAT_VALUE) == many)
            return false;
    return true;
}

static bool makes_sense(struct reader *reader, const struct expectation *expectation,
                        const yaml_node_t *node)
{
    const char *name = expectation->kind == EXPECT_EVENT ? "title" : "name";

    if (expectation->fields[FIELD_NAME].at == NULL)
        return complain(reader, node, slice_of(name), "it is missing here");
    if (expectation->absent && expectation->n_numbers > 0)
        return complain(reader, node, SLICE("absent"),
                        "what must not come has no numbers: one of both is too much");
    return numbers_make_sense(expectation) ||
           complain(reader, node, expectation->fields[FIELD_WORD],
                    "a count, a gauge and a set have a value; a histogram and a distribution "
                    "have count, sum, min, max, avg, median and p1 to p99");
}

/* Room for n more. */
static bool make_room(struct reader *reader, size_t n)
{
    struct expect_file *file = reader->file;
    struct expectation *at = realloc(file->at, (file->n + n + 1) * sizeof *at);

    if (at == NULL)
        reader->problems->out_of_memory = true;
    else
        file->at = at;
    return at != NULL;
}

static bool read_list(struct reader *reader, enum expect_kind kind, struct slice key,
                      const yaml_node_t *list)
{
    struct expect_file *file = reader->file;
    bool fine = true;

    if (list->type != YAML_SEQUENCE_NODE)
        return complain(reader, list, key,
                        "a list is expected, of lines that begin with \"-\"");
    const yaml_node_item_t *item = list->data.sequence.items.start;

    size_t n = (size_t)(list->data.sequence.items.top - item);

    if (n > EXPECTATIONS_MAX - file->n)
        return complain(reader, list, key, "a file has 10000 expectations at most");
    if (!make_room(reader, n))
        return false;
    for (; item < list->data.sequence.items.top; item++) {
        const yaml_node_t *node = node_at(reader, *item);

        if (node->type != YAML_MAPPING_NODE)
            return complain(reader, node, key, "a map is expected, as - name: shop.orders");
        struct expectation *out = &file->at[file->n++];

        *out = (struct expectation){ .kind = kind, .line = line_of(node) };
        fine = read_map(reader, node, read_expectation_pair, out) &&
               makes_sense(reader, out, node) && fine;
    }
    return fine;
}

static bool read_root_pair(struct reader *reader, void *out, struct slice key,
                           const yaml_node_t *key_node, const yaml_node_t *node)
{
    static const char *const lists[EXPECT_KINDS] = { "series", "events", "checks" };
    struct expect_file *file = out;

    for (int kind = 0; kind < EXPECT_KINDS; kind++)
        if (slice_equal(key, slice_of(lists[kind])))
            return read_list(reader, (enum expect_kind)kind, key, node);
    if (slice_equal(key, SLICE("only")))
        return is_switch(reader, node, key, &file->only);
    if (slice_equal(key, SLICE("ignore")))
        return is_list(reader, node, key, &file->ignore, &file->n_ignore);
    if (slice_equal(key, SLICE("refused")))
        return file->has_refused = is_number(reader, node, key, &file->refused);
    return complain(reader, key_node, key,
                    "known are series, events, checks, only, ignore and refused");
}

static bool read_document(struct reader *reader)
{
    struct expect_file *file = reader->file;
    const yaml_node_t *root = yaml_document_get_root_node(&file->document);

    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        problems_error(reader->problems, "%s:%zu: here are no lines such as \"series:\".",
                       reader->path, root != NULL ? line_of(root) : 1);
        return false;
    }
    return read_map(reader, root, read_root_pair, file);
}

/* ---- the file ---------------------------------------------------------- */

bool expect_file_read(struct expect_file *out, const char *path, const unsigned char *text,
                      size_t len, struct problems *problems)
{
    char shown[PATH_SHOWN];
    struct reader reader = { out, problems,
                             log_quote(path, strlen(path), shown, sizeof shown) };

    *out = (struct expect_file){ .path = path };
    out->has_document = yaml_document_read(&out->document, text, len, reader.path, problems);
    return out->has_document && read_document(&reader);
}

bool expect_file_load(struct expect_file *out, const char *path, struct problems *problems)
{
    char shown[PATH_SHOWN];
    struct reader reader = { out, problems,
                             log_quote(path, strlen(path), shown, sizeof shown) };

    *out = (struct expect_file){ .path = path };
    out->has_document = yaml_document_load(&out->document, path, problems);
    return out->has_document && read_document(&reader);
}

void expect_file_free(struct expect_file *given)
{
    for (size_t i = 0; i < given->n; i++)
        free(given->at[i].tags);
    free(given->at);
    free(given->ignore);
    if (given->has_document)
        yaml_document_delete(&given->document);
    *given = (struct expect_file){ .path = NULL };
}

const char *expect_kind_word(enum expect_kind kind)
{
    static const char *const words[EXPECT_KINDS] = { "series", "event", "check" };

    return words[kind];
}

/* A star takes as few bytes as it can, and one more each time that the rest does not fit. */
bool expect_pattern_fits(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}
