#include "config/settings_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/options.h"

static bool is_told(const struct option *option)
{
    return !option->secret && option->form != OPTION_FORM_URL &&
           option->form != OPTION_FORM_SECRET_URL;
}

static json_t *list_json(const struct string_list *list)
{
    json_t *items = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(items, json_string(list->at[i]));
    return items;
}

/* The text of a JSON value; given. */
static json_t *text_of(json_t *given)
{
    char *text = json_dumps(given, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *string = text != NULL ? json_string(text) : NULL;

    free(text);
    json_decref(given);
    return string;
}

static json_t *number_text(double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.17g", value);
    return json_string(text);
}

static json_t *value_of(const struct settings *settings, const struct option *option)
{
    const void *field = (const char *)settings + option->offset;

    switch (option->type) {
    case OPTION_BOOL:
        return json_string(*(const bool *)field ? "true" : "false");
    case OPTION_INT:
        return text_of(json_integer(*(const int64_t *)field));
    case OPTION_PORT:
        return *(const int *)field == PORT_RANDOM ? json_string("__random__")
                                                  : text_of(json_integer(*(const int *)field));
    case OPTION_FLOAT:
        return number_text(*(const double *)field);
    case OPTION_STRING:
    case OPTION_CHOICE:
        return json_string(*(char *const *)field);
    case OPTION_LIST:
        return text_of(list_json(field));
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        break;
    }
    return *(json_t *const *)field != NULL ? text_of(json_incref(*(json_t *const *)field))
                                           : NULL;
}

json_t *settings_json(const struct settings *settings)
{
    json_t *all = json_object();

    for (const struct option *o = options; all != NULL && o < options + SETTING_COUNT; o++) {
        json_t *value = is_told(o) ? value_of(settings, o) : NULL;

        if (value != NULL)
            json_object_set_new(all, o->key, value);
    }
    return all;
}
