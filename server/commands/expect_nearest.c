#include "server/commands/expect_nearest.h"

#include <string.h>

#include "config/shown.h"

enum {
    NEAREST_SHOWN = 3,
    NAME_COMPARED = 64,    /* bytes of a name */
    NAMES_COMPARED = 2000, /* by their letters, which takes time */
    OTHER_NAME = 1000,     /* more than all that may differ besides */
    TOO_FAR = OTHER_NAME * (NAME_COMPARED + 1),
};

/* ---- what is meant ----------------------------------------------------- */

static bool has_tag(const struct seen_item *item, struct slice pattern)
{
    for (size_t i = 0; i < item->n_tags; i++)
        if (expect_pattern_fits(pattern, item->tags[i]))
            return true;
    return false;
}

static bool is_expected_tag(const struct expectation *expectation, struct slice tag)
{
    for (size_t i = 0; i < expectation->n_tags; i++)
        if (expect_pattern_fits(expectation->tags[i], tag))
            return true;
    return false;
}

static bool field_fits(const struct expectation *expectation, const struct seen_item *item,
                       int field)
{
    struct slice pattern = expectation->fields[field];

    return pattern.at == NULL || expect_pattern_fits(pattern, item->fields[field]);
}

/* The first tag at fault of those that are missing, or that are too many. NULL: none. */
static const struct slice *missing_tag(const struct expectation *expectation,
                                       const struct seen_item *item)
{
    for (size_t i = 0; i < expectation->n_tags; i++)
        if (!has_tag(item, expectation->tags[i]))
            return &expectation->tags[i];
    return NULL;
}

static const struct slice *needless_tag(const struct expectation *expectation,
                                        const struct seen_item *item)
{
    for (size_t i = 0; i < item->n_tags && expectation->exactly; i++)
        if (!is_expected_tag(expectation, item->tags[i]))
            return &item->tags[i];
    return NULL;
}

bool expect_is_meant(const struct expectation *expectation, const struct seen_item *item)
{
    if (item->kind != expectation->kind)
        return false;
    for (int i = 0; i < FIELD_COUNT; i++)
        if (!field_fits(expectation, item, i))
            return false;
    return missing_tag(expectation, item) == NULL && needless_tag(expectation, item) == NULL;
}

static void put_slice(FILE *out, const char *before, struct slice text)
{
    fputs(before, out);
    shown_put(out, text.at, text.len);
}

static void put_meant(FILE *out, const struct expectation *expectation)
{
    const char *before = "";

    for (int i = 0; i < FIELD_COUNT; i++) {
        if (expectation->fields[i].at == NULL)
            continue;
        put_slice(out, before, expectation->fields[i]);
        before = "  ";
    }
    for (size_t i = 0; i < expectation->n_tags; i++)
        put_slice(out, i == 0 ? "  " : ",", expectation->tags[i]);
    if (expectation->exactly)
        fputs(expectation->n_tags > 0 ? "  and no other tag" : "  without tags", out);
}

void expect_put_title(FILE *out, const struct expectation *expectation)
{
    fprintf(out, "%s%s ", expectation->absent ? "no " : "",
            expect_kind_word(expectation->kind));
    put_meant(out, expectation);
}

/* ---- how far away ------------------------------------------------------ */

/* How many letters must be put, taken or changed to make one name the other. */
static int letters_between(struct slice a, struct slice b)
{
    int row[NAME_COMPARED + 1];

    a.len = a.len < NAME_COMPARED ? a.len : NAME_COMPARED;
    b.len = b.len < NAME_COMPARED ? b.len : NAME_COMPARED;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        int corner = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            int changed = corner + (a.at[i - 1] != b.at[j - 1]);

            corner = row[j];
            row[j] = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = changed < row[j] ? changed : row[j];
        }
    }
    return row[b.len];
}

/* As where a client's prefix was forgotten, or one too many. */
static bool is_part(struct slice a, struct slice b)
{
    return a.len > 0 && b.len > 0 &&
           (memmem(a.at, a.len, b.at, b.len) != NULL ||
            memmem(b.at, b.len, a.at, a.len) != NULL);
}

static int differences(const struct expectation *expectation, const struct seen_item *item)
{
    int n = 0;

    for (int i = FIELD_NAME + 1; i < FIELD_COUNT; i++)
        n += !field_fits(expectation, item, i);
    for (size_t i = 0; i < expectation->n_tags; i++)
        n += !has_tag(item, expectation->tags[i]);
    return n + (needless_tag(expectation, item) != NULL);
}

/* TOO_FAR: nobody would take it for what is meant. */
static int distance(const struct expectation *expectation, const struct seen_item *item,
                    bool by_letters)
{
    struct slice name = expectation->fields[FIELD_NAME];

    if (item->kind != expectation->kind)
        return TOO_FAR;
    if (field_fits(expectation, item, FIELD_NAME))
        return differences(expectation, item);
    int letters = by_letters ? letters_between(name, item->fields[FIELD_NAME]) : NAME_COMPARED;
    bool near = letters <= (int)(name.len < NAME_COMPARED ? name.len : NAME_COMPARED) / 3;

    if (!near && (near = is_part(name, item->fields[FIELD_NAME])))
        letters = NAME_COMPARED;
    return near ? letters * OTHER_NAME + differences(expectation, item) : TOO_FAR;
}

struct near {
    const struct seen_item *item;
    int distance;
};

/* Among so many, the nearest first. */
static size_t insert(struct near *list, size_t n, struct near new)
{
    size_t at = n;

    while (at > 0 && list[at - 1].distance > new.distance)
        at--;
    if (at == NEAREST_SHOWN)
        return n;
    n = n < NEAREST_SHOWN ? n + 1 : n;
    for (size_t i = n - 1; i > at; i--)
        list[i] = list[i - 1];
    list[at] = new;
    return n;
}

static size_t find_nearest(const struct expectation *expectation, struct expect_seen *seen,
                           struct near *list)
{
    size_t n = 0;

    for (size_t i = 0; i < expect_seen_count(seen); i++) {
        const struct seen_item *item = expect_seen_at(seen, i);
        int far = distance(expectation, item, i < NAMES_COMPARED);

        if (far < TOO_FAR)
            n = insert(list, n, (struct near){ item, far });
    }
    return n;
}

/* ---- what is told ------------------------------------------------------ */

static const char *const field_words[EXPECT_KINDS][FIELD_COUNT] = {
    { "name", "type", "unit", "host", "", "", "", "" },
    { "title", "alert", "", "host", "text", "priority", "source", "key" },
    { "name", "status", "", "host", "message", "", "", "" },
};

/* The first thing that is another. */
static void put_why(FILE *out, const struct expectation *expectation,
                    const struct seen_item *item)
{
    const struct slice *missing = missing_tag(expectation, item);
    const struct slice *needless = needless_tag(expectation, item);

    for (int i = 0; i < FIELD_COUNT; i++)
        if (!field_fits(expectation, item, i)) {
            fprintf(out, "another %s", field_words[expectation->kind][i]);
            return;
        }
    if (missing != NULL)
        put_slice(out, "without ", *missing);
    else if (needless != NULL)
        put_slice(out, "with ", *needless);
}

void expect_put_nearest(FILE *out, const struct expectation *expectation,
                        struct expect_seen *seen)
{
    struct near list[NEAREST_SHOWN];
    size_t n = find_nearest(expectation, seen, list);

    fputs("expected: ", out);
    for (size_t i = 0; i < expectation->n_numbers; i++) {
        put_slice(out, i > 0 ? ", " : "", expectation->numbers[i].key);
        put_slice(out, " ", expectation->numbers[i].text);
    }
    fprintf(out, "%s\ncame:     nothing of it\n",
            expectation->n_numbers == 0 ? "that it comes" : "");
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "nearest:  " : "          ", out);
        expect_seen_put(out, list[i].item);
        fputs("   (", out);
        put_why(out, expectation, list[i].item);
        fputs(")\n", out);
    }
}
