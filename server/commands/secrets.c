#include "server/commands/secrets.h"

#include <string.h>

#include "config/options.h"

static void mask(struct bytes *text, const char *secret, size_t len)
{
    unsigned char *at = text->at, *end = text->at + text->len;

    if (len < SECRET_LEN_MIN || text->len == 0)
        return;
    while (at < end && (at = memmem(at, (size_t)(end - at), secret, len)) != NULL) {
        memset(at, '*', len);
        at += len;
    }
}

/* All of it, and of a URL what stands between the first two slashes and the '@': the password
 * alone, and with its user. */
static void mask_value(struct bytes *text, const char *value)
{
    const char *user = strstr(value, "://");
    const char *at = strrchr(value, '@');

    mask(text, value, strlen(value));
    if (at == NULL)
        return;
    user = user != NULL ? user + 3 : value;
    if (user >= at)
        return;
    const char *colon = memchr(user, ':', (size_t)(at - user));

    mask(text, user, (size_t)(at - user));
    if (colon != NULL)
        mask(text, colon + 1, (size_t)(at - colon - 1));
}

/* Files have several keys in one text. */
static void mask_words(struct bytes *text, const char *words)
{
    static const char blanks[] = " \t\r\n\v\f";
    size_t len;

    mask_value(text, words);
    for (words += strspn(words, blanks); *words != '\0'; words += strspn(words, blanks)) {
        len = strcspn(words, blanks);
        mask(text, words, len);
        words += len;
    }
}

static void mask_json(struct bytes *text, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        mask_words(text, json_string_value(value));
    json_array_foreach(value, i, item)
    {
        mask_json(text, item);
    }
    json_object_foreach(value, key, item)
    {
        if (strchr(key, '@') != NULL)
            mask_value(text, key);
        mask_json(text, item);
    }
}

static void mask_option(struct bytes *text, const struct settings *settings,
                        const struct option *option)
{
    const void *field = (const char *)settings + option->offset;
    const struct string_list *list = field;

    switch (option->type) {
    case OPTION_STRING:
        mask_words(text, *(char *const *)field);
        break;
    case OPTION_LIST:
        for (size_t i = 0; i < list->n; i++)
            mask_words(text, list->at[i]);
        break;
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        mask_json(text, *(json_t *const *)field);
        break;
    case OPTION_BOOL:
    case OPTION_INT:
    case OPTION_PORT:
    case OPTION_FLOAT:
    case OPTION_CHOICE:
        break;
    }
}

void secrets_mask(struct bytes *text, const struct settings *settings)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (options[i].secret || options[i].form == OPTION_FORM_URL)
            mask_option(text, settings, &options[i]);
}
