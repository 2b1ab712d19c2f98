#include "config/change.h"

#include <stdlib.h>
#include <string.h>

#include "config/values.h"

static bool lists_differ(const struct string_list *a, const struct string_list *b)
{
    if (a->n != b->n)
        return true;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return true;
    return false;
}

bool settings_differ(const struct settings *a, const struct settings *b,
                     const struct option *option)
{
    const void *left = (const char *)a + option->offset;
    const void *right = (const char *)b + option->offset;

    switch (option->type) {
    case OPTION_BOOL:
        return *(const bool *)left != *(const bool *)right;
    case OPTION_INT:
        return *(const int64_t *)left != *(const int64_t *)right;
    case OPTION_PORT:
        return *(const int *)left != *(const int *)right;
    case OPTION_FLOAT:
        return *(const double *)left != *(const double *)right;
    case OPTION_STRING:
    case OPTION_CHOICE:
        return strcmp(*(char *const *)left, *(char *const *)right) != 0;
    case OPTION_LIST:
        return lists_differ(left, right);
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        return json_equal(*(json_t *const *)left, *(json_t *const *)right) == 0;
    }
    return true;
}

/* ---- keeping ----------------------------------------------------------- */

static bool keep_text(char **to, const char *from)
{
    char *copy = strdup(from);

    if (copy == NULL)
        return false;
    free(*to);
    *to = copy;
    return true;
}

static bool keep_list(struct string_list *to, const struct string_list *from)
{
    struct string_list copy = { 0 };

    for (size_t i = 0; i < from->n; i++) {
        if (!string_list_add(&copy, from->at[i], strlen(from->at[i]))) {
            string_list_free(&copy);
            return false;
        }
    }
    string_list_free(to);
    *to = copy;
    return true;
}

static bool keep_json(json_t **to, const json_t *from)
{
    json_t *copy = json_deep_copy(
        from); /* a copy, because a count of holders must not be shared by threads */

    if (copy == NULL)
        return false;
    json_decref(*to);
    *to = copy;
    return true;
}

static bool keep_value(void *to, const void *from, enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        *(bool *)to = *(const bool *)from;
        return true;
    case OPTION_INT:
        *(int64_t *)to = *(const int64_t *)from;
        return true;
    case OPTION_PORT:
        *(int *)to = *(const int *)from;
        return true;
    case OPTION_FLOAT:
        *(double *)to = *(const double *)from;
        return true;
    case OPTION_STRING:
    case OPTION_CHOICE:
        return keep_text(to, *(char *const *)from);
    case OPTION_LIST:
        return keep_list(to, from);
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        return keep_json(to, *(json_t *const *)from);
    }
    return false;
}

static bool add_key(struct string_list *list, const struct option *option)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], option->key) == 0)
            return true;
    return string_list_add(list, option->key, strlen(option->key));
}

static void remove_key(struct string_list *list, const struct option *option)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->at[i], option->key) == 0)
            free(list->at[i]);
        else
            list->at[kept++] = list->at[i];
    }
    list->n = kept;
}

bool settings_keep(struct settings *fresh, const struct settings *in_force,
                   const struct option *option, struct settings_change *change)
{
    size_t number = (size_t)(option - options);

    remove_key(&change->reloaded, option);
    return keep_value((char *)fresh + option->offset, (const char *)in_force + option->offset,
                      option->type) &&
           keep_text(&fresh->origin[number], in_force->origin[number]) &&
           add_key(&change->needs_restart, option);
}

bool settings_compare(struct settings *fresh, const struct settings *in_force,
                      struct settings_change *change)
{
    for (const struct option *option = options; option < options + SETTING_COUNT; option++) {
        if (!settings_differ(fresh, in_force, option))
            continue;
        if (option->change == OPTION_RESTARTS) {
            if (!settings_keep(fresh, in_force, option, change))
                return false;
            continue;
        }
        change->renames = change->renames || option->change == OPTION_RENAMES;
        if (!add_key(&change->reloaded, option))
            return false;
    }
    return true;
}

void settings_change_free(struct settings_change *given)
{
    string_list_free(&given->reloaded);
    string_list_free(&given->needs_restart);
}
