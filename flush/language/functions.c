#include "flush/language/functions_internal.h"

#include <math.h>
#include <stdio.h>

#include "protocol/number.h"

const struct function functions[] = {
#define FUNCTION(name_, arguments_, sentence_, ...) \
    { .name = name_, .arguments = arguments_, .sentence = sentence_, __VA_ARGS__ },
#include "flush/language/functions_table.h"
#undef FUNCTION
};

bool unit_kept(const struct call *call)
{
    (void)call;
    return true;
}

const size_t function_count = sizeof functions / sizeof functions[0];

/* ---- names with braces ------------------------------------------------- */

/* What was chosen, as the number that it is or else as which one it was. */
static double chosen_as(struct slice choice, size_t which)
{
    int64_t number;

    return number_int64(choice, &number) ? (double)number : (double)which;
}

/* Whether the name is one of those of the pattern. A choice is the first with which the rest
 * fits, too, as "top1" is also the beginning of "top10". */
static bool fits(const char *pattern, struct slice name, double *chosen)
{
    while (*pattern != '\0' && *pattern != '{') {
        if (name.len == 0 || name.at[0] != *pattern)
            return false;
        pattern++;
        name = slice_skip(name, 1);
    }
    if (*pattern == '\0')
        return name.len == 0;

    const char *end = strchr(pattern, '}');
    struct slice choices = { pattern + 1, (size_t)(end - pattern - 1) };
    bool more = true;

    for (size_t which = 0; more; which++) {
        more = memchr(choices.at, ',', choices.len) != NULL;
        struct slice choice = slice_cut(&choices, ',');
        if (slice_starts(name, choice) &&
            fits(end + 1, slice_skip(name, choice.len), chosen + 1)) {
            *chosen = chosen_as(choice, which);
            return true;
        }
    }
    return false;
}

const struct function *function_find(struct slice name, struct call *out)
{
    for (size_t i = 0; i < function_count; i++)
        if (fits(functions[i].name, name, out->chosen))
            return out->function = &functions[i];
    return NULL;
}

/* How many choices there are between the braces. */
static size_t count_choices(const char *brace)
{
    size_t n = 1;

    for (; *brace != '}'; brace++)
        n += *brace == ',';
    return n;
}

static struct slice choice_of(const char *brace, size_t which)
{
    struct slice choices = { brace + 1, (size_t)(strchr(brace, '}') - brace - 1) };
    struct slice choice = slice_cut(&choices, ',');

    for (size_t i = 0; i < which; i++)
        choice = slice_cut(&choices, ',');
    return choice;
}

bool function_name(const struct function *function, size_t number, char out[FUNCTION_NAME_MAX])
{
    size_t len = 0;

    for (const char *c = function->name; *c != '\0' && len < FUNCTION_NAME_MAX - 1; c++) {
        if (*c != '{') {
            out[len++] = *c;
            continue;
        }
        size_t n = count_choices(c);
        struct slice choice = choice_of(c, number % n);
        number /= n;
        len += (size_t)snprintf(out + len, FUNCTION_NAME_MAX - len, "%.*s", (int)choice.len,
                                choice.at);
        c = strchr(c, '}');
    }
    out[len < FUNCTION_NAME_MAX ? len : FUNCTION_NAME_MAX - 1] = '\0';
    return number == 0;
}

const char *function_refusal(struct slice name)
{
    static const struct {
        const char *name, *sentence;
    } rows[] = {
        { "agile", "agile knows seasons, and that is not here: expected 'basic'" },
        { "robust", "robust knows seasons, and that is not here: expected 'basic'" },
        { "seasonality", "seasonality is of agile and robust: basic knows no seasons" },
        { "forecast", "forecast is not here" },
        { "outliers", "outliers is not here" },
        { "trend_line", "trend_line is not here" },
        { "robust_trend", "robust_trend is not here" },
        { "piecewise_constant", "piecewise_constant is not here" },
        { "autosmooth", "autosmooth is not here: ewma_5 and median_5 make smooth lines" },
        { "calendar_shift", "calendar_shift is not here: timeshift takes seconds" },
        { "top_offset", "top_offset is not here" },
        { "count", "count( ) is not here: count_not_null counts groups" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_equal(name, slice_of(rows[i].name)))
            return rows[i].sentence;
    return NULL;
}
