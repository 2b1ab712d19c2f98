/* server/commands/expect_file.h: what `heeler expect` expects, as its file says it.
 *
 *   series:
 *     - name: shop.orders          the whole name; * stands for any bytes
 *       type: count
 *       tags: [env:test]           these and maybe more; tags_exactly: these and no more
 *       value: at least 3          3 | 3..5 | at most 5 | more than 3 | less than 5
 *     - name: shop.errors
 *       absent: true
 *   events: [{ title: Deployed, alert: info }]
 *   checks: [{ name: shop.db, status: ok }]
 *   only: true
 *
 * Each key is a row of a table in expect_file.c. All texts are views into the YAML document,
 * which the file owns: whatever aliases there are, nothing is copied. */
#ifndef SERVER_COMMANDS_EXPECT_FILE_H
#define SERVER_COMMANDS_EXPECT_FILE_H

#include <yaml.h>

#include "config/problems.h"
#include "protocol/slice.h"

enum expect_kind { EXPECT_SERIES, EXPECT_EVENT, EXPECT_CHECK, EXPECT_KINDS };

/* The texts by which a series, an event or a check is told from others. */
enum expect_field {
    FIELD_NAME, /* of an event its title */
    FIELD_WORD, /* type of a series, alert of an event, status of a check */
    FIELD_UNIT,
    FIELD_HOST, /* if the sender named one */
    FIELD_TEXT, /* of a check its message */
    FIELD_PRIORITY,
    FIELD_SOURCE,
    FIELD_KEY,
    FIELD_COUNT
};

/* What there is to a number. */
enum expect_stat {
    STAT_VALUE,
    STAT_COUNT,
    STAT_SUM,
    STAT_MIN,
    STAT_MAX,
    STAT_AVG,
    STAT_MEDIAN,
    STAT_PERCENTILE,
};

struct expected_number {
    struct slice key; /* as written, for sentences: "p95" */
    enum expect_stat stat;
    int percent; /* of STAT_PERCENTILE */
    double low, high;
    bool above, below; /* low, high itself is not meant */
    struct slice text; /* "at least 3" */
};

enum {
    EXPECTATIONS_MAX = 10000,
    EXPECTED_TAGS_MAX = 128,
    EXPECTED_NUMBERS_MAX = 12,
};

struct expectation {
    enum expect_kind kind;
    size_t line;
    struct slice fields[FIELD_COUNT]; /* patterns; at is NULL: it does not matter */
    struct slice *tags;               /* owned, patterns */
    size_t n_tags;
    bool exactly;  /* no tags but these */
    bool has_tags; /* one of both keys was there */
    bool absent;
    struct expected_number numbers[EXPECTED_NUMBERS_MAX];
    size_t n_numbers;
};

struct expect_file {
    const char *path; /* a view */
    yaml_document_t document;
    bool has_document;
    struct expectation *at; /* owned */
    size_t n;
    bool only;            /* nothing else may come */
    struct slice *ignore; /* owned: names that `only` does not look at, patterns */
    size_t n_ignore;
    bool has_refused;
    struct expected_number refused; /* lines */
};

/* False: there is an error among the problems. To be freed all the same. */
bool expect_file_load(struct expect_file *out, const char *path, struct problems *problems);

/* The same of a text that is said to be of that path. */
bool expect_file_read(struct expect_file *out, const char *path, const unsigned char *text,
                      size_t len, struct problems *problems);
void expect_file_free(struct expect_file *given);

/* Whether the whole text is one that the pattern means. */
bool expect_pattern_fits(struct slice pattern, struct slice text);

/* Whether that number is one that is meant; what additions round off does not matter. */
bool expect_number_fits(const struct expected_number *number, double value);

/* "name" or "title"; the word of a kind for one and many: "series", "event". */
const char *expect_kind_word(enum expect_kind kind);

#endif
