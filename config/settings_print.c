#include "config/settings_print.h"

#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/options.h"

static void print_text(const char *text, FILE *out)
{
    char quoted[1024];

    fputs(log_quote(text, strlen(text), quoted, sizeof quoted), out);
}

/* Stars and the last four characters; if the text is short, only stars. */
static void mask(const char *text, char out[40])
{
    size_t len = strlen(text);
    size_t stars = len < 8 ? len : len - 4 < 28 ? len - 4 : 28;

    memset(out, '*', stars);
    if (len >= 8) {
        memcpy(out + stars, text + len - 4, 4);
        stars += 4;
    }
    out[stars] = '\0';
}

static void print_url(const char *url, FILE *out)
{
    size_t size = strlen(url) + sizeof "***?***";
    char *shown = malloc(size);

    if (shown != NULL)
        settings_mask_url(url, shown, size);
    print_text(shown != NULL ? shown : "***", out);
    free(shown);
}

static bool is_url_of_secret(const struct option *option, const char *text)
{
    return option->form == OPTION_FORM_SECRET_URL &&
           (strstr(text, "://") != NULL || strchr(text, '@') != NULL);
}

static void print_string(const struct option *option, const char *text, FILE *out)
{
    char masked[40];

    if (option->form == OPTION_FORM_URL || is_url_of_secret(option, text)) {
        print_url(text, out);
    } else if (option->secret) {
        mask(text, masked);
        print_text(masked, out);
    } else {
        print_text(text, out);
    }
}

/* Prints words, if reading them gives the same list; otherwise a JSON array. */
static void print_list(const struct option *option, const struct string_list *list, FILE *out)
{
    const char *separators = option->commas ? " \t\r\n\v\f,\"\\" : " \t\r\n\v\f\"\\";
    bool words = true;

    for (size_t i = 0; i < list->n; i++)
        words = words && list->at[i][0] != '\0' && list->at[i][0] != '[' &&
                list->at[i][strcspn(list->at[i], separators)] == '\0';
    fputs(words ? "" : "[", out);
    for (size_t i = 0; i < list->n; i++) {
        fputs(i == 0 ? "" : words ? " " : ",", out);
        fputs(words ? "" : "\"", out);
        print_string(option, list->at[i], out);
        fputs(words ? "" : "\"", out);
    }
    fputs(words ? "" : "]", out);
}

/* Replaces every text in it by its mask; keys of maps are URLs. A new reference. */
static json_t *mask_json(json_t *value)
{
    char masked[40], url[512];

    if (json_is_string(value)) {
        mask(json_string_value(value), masked);
        return json_string(masked);
    }
    if (json_is_array(value)) {
        json_t *copy = json_array();
        json_t *item;
        size_t i;

        json_array_foreach(value, i, item)
        {
            json_array_append_new(copy, mask_json(item));
        }
        return copy;
    }
    if (json_is_object(value)) {
        json_t *copy = json_object();
        const char *key;
        json_t *item;

        json_object_foreach(value, key, item)
        {
            settings_mask_url(key, url, sizeof url);
            json_object_set_new(copy, url, mask_json(item));
        }
        return copy;
    }
    return json_string("***");
}

static void print_json(const struct option *option, json_t *value, FILE *out)
{
    json_t *shown = option->secret ? mask_json(value) : json_incref(value);
    char *text = json_dumps(shown, JSON_COMPACT | JSON_ENSURE_ASCII);

    fputs(text != NULL ? text : "?", out);
    free(text);
    json_decref(shown);
}

static void print_value(const struct settings *settings, const struct option *option, FILE *out)
{
    const void *field = (const char *)settings + option->offset;

    switch (option->type) {
    case OPTION_BOOL:
        fputs(*(const bool *)field ? "true" : "false", out);
        break;
    case OPTION_INT:
        fprintf(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case OPTION_PORT:
        if (*(const int *)field == PORT_RANDOM)
            fputs("__random__", out);
        else
            fprintf(out, "%d", *(const int *)field);
        break;
    case OPTION_FLOAT:
        fprintf(out, "%.15g", *(const double *)field);
        break;
    case OPTION_STRING:
    case OPTION_CHOICE:
        print_string(option, *(char *const *)field, out);
        break;
    case OPTION_LIST:
        print_list(option, field, out);
        break;
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        print_json(option, *(json_t *const *)field, out);
        break;
    }
}

void settings_print_one(const struct settings *settings, enum setting which, FILE *out)
{
    fprintf(out, "%s = ", options[which].key);
    print_value(settings, &options[which], out);
    fprintf(out, "  (%s)\n", settings->origin[which]);
}

void settings_print(const struct settings *settings, FILE *out)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        settings_print_one(settings, (enum setting)i, out);
}
