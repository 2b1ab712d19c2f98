#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/address.h"
#include "config/log.h"
#include "config/log_file.h"
#include "config/log_syslog.h"

static const char blanks[] = " \t\r\n\v\f";

/* One value on its way into its field. */
struct change {
    struct settings *settings;
    const struct option *option;
    const char *where;
    struct problems *problems;
};

static void *field_of(struct settings *settings, const struct option *option)
{
    return (char *)settings + option->offset;
}

static void no_memory(const struct change *change)
{
    change->problems->out_of_memory = true;
}

/* "datadog.yaml:3: heeler_interval is "0": allowed are 1 to 60 (seconds)." A URL
 * may hold a password. */
static void refuse(const struct change *change, const char *text)
{
    char allowed[160], quoted[80];

    option_allowed(change->option, allowed, sizeof allowed);
    if (change->option->secret || change->option->form == OPTION_FORM_URL)
        problems_error(change->problems, "%s: %s is not usable: allowed are %s.", change->where,
                       change->option->key, allowed);
    else
        problems_error(change->problems, "%s: %s is %s%s%s: allowed are %s.", change->where,
                       change->option->key, text[0] == '\0' ? "empty" : "\"",
                       log_quote(text, strlen(text), quoted, sizeof quoted),
                       text[0] == '\0' ? "" : "\"", allowed);
}

static void set_origin(const struct change *change)
{
    char **origin = &change->settings->origin[change->option - options];
    char *copy = strdup(change->where);

    if (copy == NULL) {
        no_memory(change);
        return;
    }
    free(*origin);
    *origin = copy;
}

/* The words that Go reads as a bool. */
static bool parse_bool(const char *text, bool *value)
{
    static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
    static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        *value = strcmp(text, yes[i]) == 0;
        if (*value || strcmp(text, no[i]) == 0)
            return true;
    }
    return false;
}

static bool in_range(const struct option *option, double value)
{
    return value >= option->minimum && value <= option->maximum;
}

/* Decimal only: a leading zero is no octal here. */
static bool parse_int(const struct option *option, const char *text, int64_t *value)
{
    size_t sign = text[0] == '-' || text[0] == '+';
    size_t digits = strspn(text + sign, "0123456789");

    if (digits == 0 || text[sign + digits] != '\0')
        return false;
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    *value = number;
    return errno == 0 && in_range(option, (double)number);
}

/* No hexadecimal, no infinity. The program never leaves the C locale. */
static bool parse_float(const struct option *option, const char *text, double *value)
{
    char *end;

    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && end != text && in_range(option, *value);
}

static bool parse_port(const struct option *option, const char *text, int *port)
{
    int64_t value = PORT_RANDOM;
    bool fine = strcmp(text, "__random__") == 0 || parse_int(option, text, &value);

    *port = (int)value;
    return fine;
}

static bool is_octal(const char *text)
{
    size_t digits = strspn(text, "01234567");

    return (digits == 3 || digits == 4) && text[digits] == '\0';
}

static bool is_url(const char *text)
{
    bool http = strncasecmp(text, "http://", 7) == 0;
    bool https = strncasecmp(text, "https://", 8) == 0;

    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return false;
    return (http && strlen(text) > 7) || (https && strlen(text) > 8);
}

/* Blanks around the name are allowed. */
static bool is_host(const char *text)
{
    static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-.";
    size_t len = strspn(text += strspn(text, blanks), inner);

    return len > 0 && text[0] != '.' && text[len + strspn(text + len, blanks)] == '\0';
}

static bool is_socket(const char *text)
{
    return strlen(text) <= OPTION_SOCKET_MAX && strncasecmp(text, "unix:", 5) != 0;
}

static bool has_form(enum option_form form, const char *text)
{
    char host[ADDRESS_HOST_MAX];
    int port;

    switch (form) {
    case OPTION_FORM_ADDRESS:
        return address_split(text, host, sizeof host, &port);
    case OPTION_FORM_HTTP_ADDRESS:
        return address_path(text) != NULL || address_split(text, host, sizeof host, &port);
    case OPTION_FORM_OCTAL:
        return is_octal(text);
    case OPTION_FORM_URL:
        return is_url(text);
    case OPTION_FORM_SHORT:
        return strlen(text) <= OPTION_SHORT_MAX;
    case OPTION_FORM_SIZE:
        return log_size_parse(text, &(uint64_t){ 0 });
    case OPTION_FORM_SYSLOG:
        return log_syslog_parse(text, &(const char *){ NULL });
    case OPTION_FORM_HOST:
        return is_host(text);
    case OPTION_FORM_SOCKET:
        return is_socket(text);
    case OPTION_FORM_SECRET_URL:
    case OPTION_FORM_ANY:
        break;
    }
    return true;
}

/* The table's spelling of a word, as a view into the choices. */
static const char *find_choice(const char *choices, const char *text, size_t *len)
{
    for (const char *at = choices; *at != '\0'; at += *len, at += strspn(at, " ")) {
        *len = strcspn(at, " ");
        if (strlen(text) == *len && strncasecmp(at, text, *len) == 0)
            return at;
    }
    return NULL;
}

static void put_string(const struct change *change, const char *at, size_t len)
{
    char **field = field_of(change->settings, change->option);
    char *copy = strndup(at, len);

    if (copy == NULL) {
        no_memory(change);
        return;
    }
    free(*field);
    *field = copy;
    set_origin(change);
}

/* ENC[...] is a secret that only the Agent can decrypt; we would send it as if it were the key.
 */
static bool is_encrypted(const char *text, size_t len)
{
    return len >= 5 && memcmp(text, "ENC[", 4) == 0 && text[len - 1] == ']';
}

static void set_string(const struct change *change, const char *text)
{
    const struct option *option = change->option;
    size_t len = strlen(text);

    if (option->secret) { /* it may be a key that was copied with its newline */
        text += strspn(text, blanks);
        len = strlen(text);
        while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
            len--;
    }
    if (is_encrypted(text, len))
        problems_error(change->problems,
                       "%s: %s is ENC[...]: secret back ends are not supported, "
                       "write the value itself.",
                       change->where, option->key);
    else if (len > 0 && !has_form(option->form, text))
        refuse(change, text);
    else
        put_string(change, text, len);
}

static void set_choice(const struct change *change, const char *text)
{
    size_t len = 0;
    const char *choice = find_choice(change->option->choices, text, &len);

    if (choice == NULL)
        refuse(change, text);
    else
        put_string(change, choice, len);
}

/* Text of a list's JSON item; numbers keep the digits they were written with,
 * as far as a double does. */
static bool add_json_item(struct string_list *list, const json_t *item)
{
    if (json_is_string(item))
        return string_list_add(list, json_string_value(item), json_string_length(item));
    char *text = json_dumps(item, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool added = text != NULL && string_list_add(list, text, strlen(text));

    free(text);
    return added;
}

/* A refusal says only where the fault is, because jansson's own words quote the text. */
static json_t *parse_json(const struct change *change, const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);

    if (value == NULL)
        problems_error(change->problems, "%s: %s is not JSON from character %d on.",
                       change->where, change->option->key, error.position);
    return value;
}

static bool split_json(const struct change *change, const char *text, struct string_list *list)
{
    json_t *array = parse_json(change, text);
    const json_t *item;
    size_t i;

    if (array == NULL)
        return false;
    json_array_foreach(array, i, item)
    {
        if (json_is_object(item) || json_is_array(item) || json_is_null(item)) {
            problems_error(change->problems, "%s: item %zu of %s is not a text.", change->where,
                           i + 1, change->option->key);
            json_decref(array);
            return false;
        }
        if (!add_json_item(list, item)) {
            no_memory(change);
            break;
        }
    }
    json_decref(array);
    return true;
}

static bool split_words(const struct change *change, const char *text, struct string_list *list)
{
    const char *separators = change->option->commas ? " \t\r\n\v\f," : blanks;

    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        size_t len = strcspn(text, separators);

        if (!string_list_add(list, text, len)) {
            no_memory(change);
            return false;
        }
        text += len;
    }
    return true;
}

static bool check_item(const struct change *change, const char *item)
{
    size_t len;
    bool fine = has_form(change->option->form, item) &&
                (change->option->choices == NULL ||
                 find_choice(change->option->choices, item, &len) != NULL);

    if (!fine)
        refuse(change, item);
    return fine;
}

void values_set_list(struct settings *settings, const struct option *option,
                     struct string_list given, const char *where, struct problems *problems)
{
    struct change change = { settings, option, where, problems };
    struct string_list *field = field_of(settings, option);
    bool fine = true;

    for (size_t i = 0; i < given.n; i++)
        fine = check_item(&change, given.at[i]) && fine;
    if (!fine) {
        string_list_free(&given);
        return;
    }
    string_list_free(field);
    *field = given;
    set_origin(&change);
}

static void set_list(const struct change *change, const char *text)
{
    struct string_list list = { 0 };
    bool json = text[strspn(text, blanks)] == '[';

    if (json ? split_json(change, text, &list) : split_words(change, text, &list))
        values_set_list(change->settings, change->option, list, change->where,
                        change->problems);
    else
        string_list_free(&list);
}

void values_set_json(struct settings *settings, const struct option *option, json_t *given,
                     const char *where, struct problems *problems)
{
    struct change change = { settings, option, where, problems };
    json_t **field = field_of(settings, option);

    if (option->type == OPTION_JSON_LIST ? !json_is_array(given) : !json_is_object(given)) {
        problems_error(problems, "%s: %s is %s.", where, option->key,
                       option->type == OPTION_JSON_LIST ? "a map and not a list"
                                                        : "a list and not a map");
        json_decref(given);
        return;
    }
    json_decref(*field);
    *field = given;
    set_origin(&change);
}

static void set_json(const struct change *change, const char *text)
{
    json_t *value = parse_json(change, text);

    if (value != NULL)
        values_set_json(change->settings, change->option, value, change->where,
                        change->problems);
}

/* Switches, numbers and the like: nothing to allocate but the origin. */
static void set_plain(const struct change *change, const char *text)
{
    const struct option *option = change->option;
    union {
        bool truth;
        int64_t number;
        int port;
        double real;
    } value = { 0 };
    size_t size = 0;

    if (option->type == OPTION_BOOL && parse_bool(text, &value.truth))
        size = sizeof value.truth;
    else if (option->type == OPTION_INT && parse_int(option, text, &value.number))
        size = sizeof value.number;
    else if (option->type == OPTION_PORT && parse_port(option, text, &value.port))
        size = sizeof value.port;
    else if (option->type == OPTION_FLOAT && parse_float(option, text, &value.real))
        size = sizeof value.real;
    if (size == 0) {
        refuse(change, text);
        return;
    }
    memcpy(field_of(change->settings, option), &value, size);
    set_origin(change);
}

void values_set_text(struct settings *settings, const struct option *option, const char *text,
                     const char *where, struct problems *problems)
{
    struct change change = { settings, option, where, problems };

    switch (option->type) {
    case OPTION_STRING:
        set_string(&change, text);
        break;
    case OPTION_CHOICE:
        set_choice(&change, text);
        break;
    case OPTION_LIST:
        set_list(&change, text);
        break;
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        set_json(&change, text);
        break;
    case OPTION_BOOL:
    case OPTION_INT:
    case OPTION_PORT:
    case OPTION_FLOAT:
        set_plain(&change, text);
        break;
    }
}
