#include <math.h>
#include <stdlib.h>

#include "flush/monitors/template_internal.h"
#include "protocol/number.h"

/* sum      product { ("+" | "-") product }
 * product  signed { ("*" | "/" | "%") signed }
 * signed   "-" signed | power
 * power    atom [ "^" signed ]
 * atom     number | variable | function "(" sum { "," sum } ")" | "(" sum ")" */
enum { DEPTH_MAX = 32, ARGUMENTS_MAX = 2 };

struct eval {
    const struct template_facts *facts;
    struct slice rest;
    int depth;
    bool has_no_value; /* a variable in it has none */
};

static bool read_sum(struct eval *eval, double *out);

static void skip_blanks(struct eval *eval)
{
    while (eval->rest.len > 0 && slice_is_one_of(eval->rest.at[0], " \t\r\n"))
        eval->rest = slice_skip(eval->rest, 1);
}

/* Of these, or 0; it is cut off. */
static char cut_one_of(struct eval *eval, const char *marks)
{
    skip_blanks(eval);
    if (eval->rest.len == 0 || !slice_is_one_of(eval->rest.at[0], marks))
        return '\0';
    char mark = eval->rest.at[0];

    eval->rest = slice_skip(eval->rest, 1);
    return mark;
}

/* ---- numbers and names ------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* "60", "0.5", "1e3". */
static bool read_number(struct eval *eval, double *out)
{
    struct slice text = { eval->rest.at, 0 };
    struct slice rest = eval->rest;

    while (text.len < rest.len && (is_digit(rest.at[text.len]) || rest.at[text.len] == '.'))
        text.len++;
    if (text.len + 1 < rest.len && slice_is_one_of(rest.at[text.len], "eE") &&
        (is_digit(rest.at[text.len + 1]) || rest.at[text.len + 1] == '-'))
        for (text.len += 2; text.len < rest.len && is_digit(rest.at[text.len]);)
            text.len++;
    eval->rest = slice_skip(rest, text.len);
    return number_double(text, out);
}

/* "value", "a.value", "[port.number].name". */
static struct slice cut_name(struct eval *eval)
{
    struct slice rest = eval->rest, name = { rest.at, 0 };

    if (rest.len > 0 && rest.at[0] == '[') {
        const char *end = memchr(rest.at, ']', rest.len);

        name.len = end != NULL ? (size_t)(end - rest.at) + 1 : 0;
    }
    while (name.len < rest.len &&
           (is_letter(rest.at[name.len]) ||
            (name.len > 0 && (is_digit(rest.at[name.len]) || rest.at[name.len] == '.'))))
        name.len++;
    eval->rest = slice_skip(rest, name.len);
    return name;
}

static bool level_of(const struct level *level, double *out)
{
    *out = level->value;
    return level->set;
}

/* Those that are numbers, whole and not as they are written. False: it is none of them;
 * *has_value: there is one. */
static bool find_number(const struct template_facts *facts, struct slice name, double *out,
                        bool *has_value)
{
    const struct alert_rules *rules = facts->rules;
    int64_t first_s = facts->first_triggered_s, last_s = facts->last_triggered_s;

    *has_value = facts->has_value;
    *out = facts->value;
    if (slice_equal(name, SLICE("value")))
        return true;
    if (slice_equal(name, SLICE("threshold"))) {
        *has_value = level_of(&rules->critical, out);
    } else if (slice_equal(name, SLICE("warn_threshold"))) {
        *has_value = level_of(&rules->warning, out);
    } else if (slice_equal(name, SLICE("first_triggered_at_epoch"))) {
        *has_value = first_s != 0;
        *out = (double)first_s * 1000;
    } else if (slice_equal(name, SLICE("last_triggered_at_epoch"))) {
        *has_value = last_s != 0;
        *out = (double)last_s * 1000;
    } else if (slice_equal(name, SLICE("triggered_duration_sec"))) {
        *has_value = first_s != 0;
        *out = (double)facts->now_s - (double)first_s;
    } else {
        return false;
    }
    return true;
}

/* Any other has a number if its text is one: a tag port:8080. */
static bool read_variable(struct eval *eval, struct slice name, double *out)
{
    struct bytes text = { 0 };
    bool has_value, known = find_number(eval->facts, name, out, &has_value);

    if (!known) {
        known = name.len > 0 && template_value(eval->facts, name, &text);
        has_value = text.len > 0 && !text.failed && number_double(bytes_view(&text), out);
        bytes_free(&text);
    }
    if (!has_value)
        *out = 0;
    eval->has_no_value = eval->has_no_value || !has_value;
    return known;
}

/* ---- functions --------------------------------------------------------- */

static double whole_of(double a, double b)
{
    (void)b;
    return floor(a);
}

static double same(double a, double b)
{
    (void)b;
    return a;
}

static double size_of(double a, double b)
{
    (void)b;
    return fabs(a);
}

static double part_of(double a, double b)
{
    (void)b;
    return a - trunc(a);
}

/* To so many digits behind the point. */
static double rounded(double a, double b)
{
    double scale = pow(10, trunc(b));

    return round(a * scale) / scale;
}

static double natural(double a, double b)
{
    (void)b;
    return log(a);
}

static double binary(double a, double b)
{
    (void)b;
    return log2(a);
}

static double decimal(double a, double b)
{
    (void)b;
    return log10(a);
}

static const struct {
    const char *name;
    double (*compute)(double a, double b);
    int least, most; /* arguments; one that is not given is 0 */
} functions[] = {
    { "abs", size_of, 1, 1 }, { "int", whole_of, 1, 1 }, { "trunc", whole_of, 1, 1 },
    { "float", same, 1, 1 },  { "dec", part_of, 1, 1 },  { "round", rounded, 1, 2 },
    { "log", natural, 1, 1 }, { "log2", binary, 1, 1 },  { "log10", decimal, 1, 1 },
    { "pow", pow, 2, 2 },
};

/* Behind its opening parenthesis. */
static bool read_call(struct eval *eval, struct slice name, double *out)
{
    double arguments[ARGUMENTS_MAX] = { 0 };
    int n = 0;
    char mark;

    do {
        if (n == ARGUMENTS_MAX || !read_sum(eval, &arguments[n++]))
            return false;
        mark = cut_one_of(eval, ",)");
    } while (mark == ',');
    for (size_t i = 0; mark == ')' && i < sizeof functions / sizeof *functions; i++) {
        if (!slice_equal(name, slice_of(functions[i].name)))
            continue;
        *out = functions[i].compute(arguments[0], arguments[1]);
        return n >= functions[i].least && n <= functions[i].most;
    }
    return false;
}

/* ---- the expression ---------------------------------------------------- */

static bool read_atom(struct eval *eval, double *out)
{
    if (cut_one_of(eval, "(") != '\0')
        return read_sum(eval, out) && cut_one_of(eval, ")") != '\0';
    if (eval->rest.len > 0 && (is_digit(eval->rest.at[0]) || eval->rest.at[0] == '.'))
        return read_number(eval, out);
    struct slice name = cut_name(eval);

    if (name.len > 0 && cut_one_of(eval, "(") != '\0')
        return read_call(eval, name, out);
    return read_variable(eval, name, out);
}

/* -2^2 is -4, and 2^-1 is a half. */
static bool read_signed(struct eval *eval, double *out)
{
    double exponent;
    bool good;

    if (++eval->depth > DEPTH_MAX)
        return false;
    if (cut_one_of(eval, "-") != '\0') {
        good = read_signed(eval, out);
        *out = -*out;
    } else {
        good = read_atom(eval, out);
        if (good && cut_one_of(eval, "^") != '\0') {
            good = read_signed(eval, &exponent);
            *out = good ? pow(*out, exponent) : 0;
        }
    }
    eval->depth--;
    return good;
}

static bool read_product(struct eval *eval, double *out)
{
    double other;
    char mark;

    if (!read_signed(eval, out))
        return false;
    while ((mark = cut_one_of(eval, "*/%")) != '\0') {
        if (!read_signed(eval, &other))
            return false;
        *out = mark == '*' ? *out * other : mark == '/' ? *out / other : fmod(*out, other);
    }
    return true;
}

static bool read_sum(struct eval *eval, double *out)
{
    double other;
    char mark;

    *out = 0;
    if (!read_product(eval, out))
        return false;
    while ((mark = cut_one_of(eval, "+-")) != '\0') {
        if (!read_product(eval, &other))
            return false;
        *out = mark == '+' ? *out + other : *out - other;
    }
    return true;
}

bool template_eval(const struct template_facts *facts, struct slice arguments,
                   struct bytes *out)
{
    struct eval eval = { .facts = facts, .rest = template_cut_argument(&arguments) };
    char text[32];
    double value;

    if (slice_trim(arguments, " \t\r\n").len > 0 || !read_sum(&eval, &value))
        return false;
    skip_blanks(&eval);
    if (eval.rest.len > 0)
        return false;
    if (!eval.has_no_value && isfinite(value))
        bytes_add(out, text, template_number(value, text));
    return true;
}
