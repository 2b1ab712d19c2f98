#include "config/options.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "config/settings.h"

/* What the traits of the table stand for. */
#define RANGE(low, high, of) .minimum = (low), .maximum = (high), .unit = (of)
#define AT_LEAST(low, of)    RANGE(low, OPTION_NO_MAXIMUM, of)
#define ONE_OF(words)        .choices = (words)
#define FORM(name)           .form = OPTION_FORM_##name
#define SECRET               .secret = true
#define COMMAS               .commas = true
#define RELOADS              .change = OPTION_RELOADS
#define RENAMES              .change = OPTION_RENAMES
#define OTHER_KEY(name)      .other_key = (name)
#define OTHER_VARIABLE(name) .other_variable = (name)
#define PROXY_VARIABLE(name) .other_variable = (name), .proxy = true

/* The sentence is the first of the last arguments, the traits follow. */
#define ROW(name, full_key, kind, text, part, ...)                  \
    [SETTING_##name] = { .key = (full_key),                         \
                         .offset = offsetof(struct settings, name), \
                         .type = OPTION_##kind,                     \
                         .standard = (text),                        \
                         .group = OPTION_##part,                    \
                         .sentence = __VA_ARGS__ },
#define OPTION(type, name, ...) ROW(name, #name, type, __VA_ARGS__)
#define OPTION_DOTTED(type, first, name, ...) \
    ROW(first##_##name, #first "." #name, type, __VA_ARGS__)

const struct option options[SETTING_COUNT] = {
#include "config/options_table.h"
};

static bool has_key(const struct option *option, const char *key)
{
    return strcasecmp(option->key, key) == 0 ||
           (option->other_key != NULL && strcasecmp(option->other_key, key) == 0);
}

const struct option *option_find(const char *key)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (has_key(&options[i], key))
            return &options[i];
    return NULL;
}

bool option_is_prefix(const char *prefix)
{
    size_t len = strlen(prefix);

    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strncasecmp(options[i].key, prefix, len) == 0 && options[i].key[len] == '.')
            return true;
    return false;
}

bool option_is_ours(const char *key)
{
    return strncasecmp(key, "heeler", 6) == 0;
}

void option_variable(const char *key, char out[OPTION_NAME_MAX])
{
    snprintf(out, OPTION_NAME_MAX, "DD_%s", key);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance, case ignored; one row of the matrix at a time. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[OPTION_NAME_MAX];
    size_t b_len = strlen(b);

    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + !same);
            diagonal = above;
        }
    }
    return row[b_len];
}

/* Of less than so many edits. */
static const struct option *nearest_within(const char *key, size_t best)
{
    const struct option *nearest = NULL;
    size_t len = strlen(key);

    if (len >= OPTION_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        size_t other = strlen(options[i].key);

        if ((len > other ? len - other : other - len) >= best)
            continue;
        unsigned distance = edit_distance(key, options[i].key);
        if (distance < best) {
            best = distance;
            nearest = &options[i];
        }
    }
    return nearest;
}

const struct option *option_nearest(const char *key)
{
    return nearest_within(key, strlen(key) / 3 + 1);
}

const struct option *option_misspelled(const char *key)
{
    return strlen(key) > 4 ? nearest_within(key, 3) : NULL;
}

/* "auto true false" as "auto, true, false". */
static void list_choices(const char *words, char *out, size_t size)
{
    size_t n = 0;

    for (; *words != '\0' && n + 3 < size; words++) {
        if (*words == ' ')
            out[n++] = ',';
        out[n++] = *words;
    }
    out[n] = '\0';
}

static void describe_range(const struct option *option, char *out, size_t size)
{
    const char *open = option->unit != NULL ? " (" : "";
    const char *unit = option->unit != NULL ? option->unit : "";
    const char *close = option->unit != NULL ? ")" : "";
    const char *random = option->type == OPTION_PORT ? " and __random__" : "";

    if (option->maximum < OPTION_NO_MAXIMUM)
        snprintf(out, size, "%.15g to %.15g%s%s%s%s", option->minimum, option->maximum, open,
                 unit, close, random);
    else
        snprintf(out, size, "%.15g and more%s%s%s", option->minimum, open, unit, close);
}

static const char *describe_form(enum option_form form)
{
    switch (form) {
    case OPTION_FORM_ADDRESS:
        return "host:port and [v6]:port";
    case OPTION_FORM_HTTP_ADDRESS:
        return "host:port, [v6]:port and unix:/path";
    case OPTION_FORM_OCTAL:
        return "three or four octal digits";
    case OPTION_FORM_URL:
        return "http:// and https:// URLs";
    case OPTION_FORM_SHORT:
        return "texts of no more than 256 bytes";
    case OPTION_FORM_SIZE:
        return "bytes, with kb, mb or gb behind the number or not";
    case OPTION_FORM_SYSLOG:
        return "unixgram:///path";
    case OPTION_FORM_HOST:
        return "names of hosts";
    case OPTION_FORM_SOCKET:
        return "paths of at most 107 bytes, without unix://";
    case OPTION_FORM_SECRET_URL:
    case OPTION_FORM_ANY:
        break;
    }
    return "texts";
}

void option_allowed(const struct option *option, char *out, size_t size)
{
    if (option->choices != NULL)
        list_choices(option->choices, out, size);
    else if (option->unit != NULL || option->maximum > 0)
        describe_range(option, out, size);
    else if (option->type == OPTION_BOOL)
        snprintf(out, size, "true and false");
    else if (option->type == OPTION_JSON_LIST)
        snprintf(out, size, "JSON arrays");
    else if (option->type == OPTION_JSON_MAP)
        snprintf(out, size, "JSON objects");
    else
        snprintf(out, size, "%s", describe_form(option->form));
}

static const char *const group_titles[OPTION_GROUP_COUNT] = {
    [OPTION_OURS] = "Heeler's own",    [OPTION_RECEIVE] = "Receiving",
    [OPTION_TAGS] = "Names and tags",  [OPTION_AGGREGATE] = "Aggregating",
    [OPTION_SEND] = "Sending",         [OPTION_TRACES] = "Traces",
    [OPTION_LOGS] = "Logs and health", [OPTION_CHECKS] = "Checks in Python",
};

static bool mentions(const struct option *option, const char *word)
{
    char variable[OPTION_NAME_MAX];

    option_variable(option->key, variable);
    return strcasestr(option->key, word) != NULL || strcasestr(variable, word) != NULL ||
           strcasestr(option->sentence, word) != NULL;
}

static void help_one(const struct option *option, FILE *out)
{
    char allowed[128];

    option_allowed(option, allowed, sizeof allowed);
    fprintf(out, "  %s [%s]\n      %s\n      %s; %s\n", option->key, option->standard,
            option->sentence, allowed, option_takes(option));
}

size_t options_help(const char *word, FILE *out)
{
    int group = -1;
    size_t shown = 0;

    for (const struct option *o = options; o < options + SETTING_COUNT; o++) {
        if (word != NULL && !mentions(o, word))
            continue;
        if ((int)o->group != group) {
            group = (int)o->group;
            fprintf(out, "%s%s:\n", shown == 0 ? "" : "\n", group_titles[group]);
        }
        help_one(o, out);
        shown++;
    }
    return shown;
}

const char *option_group_title(enum option_group group)
{
    return group_titles[group];
}

const char *option_type_name(enum option_type type)
{
    static const char *const names[] = {
        [OPTION_BOOL] = "bool",         [OPTION_INT] = "int",
        [OPTION_PORT] = "port",         [OPTION_FLOAT] = "float",
        [OPTION_STRING] = "string",     [OPTION_CHOICE] = "choice",
        [OPTION_LIST] = "list",         [OPTION_JSON_LIST] = "JSON list",
        [OPTION_JSON_MAP] = "JSON map",
    };

    return names[type];
}

const char *option_takes(const struct option *option)
{
    return option->change == OPTION_RESTARTS ? "restart" : "reload";
}
