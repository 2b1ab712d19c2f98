#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

bool settings_is_local(const struct settings *settings)
{
    return settings->api_key[0] == '\0' && settings->dd_url[0] == '\0';
}

/* What may be a user and a password goes up to the last '@', as they may hold any byte;
 * what may be a key begins with '?'. */
void settings_mask_url(const char *url, char *out, size_t out_size)
{
    size_t scheme = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *rest = strncmp(url + scheme, "://", 3) == 0 ? url + scheme + 3 : url;
    const char *at = strrchr(rest, '@');
    const char *shown = at != NULL ? at : rest;
    size_t shown_len = strcspn(shown, "?");

    snprintf(out, out_size, "%.*s%s%.*s%s", (int)(rest - url), url, at != NULL ? "***" : "",
             (int)shown_len, shown, shown[shown_len] != '\0' ? "?***" : "");
}

#define FREE_BOOL(field)                      (void)(field);
#define FREE_INT(field)                       (void)(field);
#define FREE_PORT(field)                      (void)(field);
#define FREE_FLOAT(field)                     (void)(field);
#define FREE_STRING(field)                    free(field);
#define FREE_CHOICE(field)                    free(field);
#define FREE_LIST(field)                      string_list_free(&(field));
#define FREE_JSON_LIST(field)                 json_decref(field);
#define FREE_JSON_MAP(field)                  json_decref(field);
#define OPTION(type, name, ...)               FREE_##type(given->name)
#define OPTION_DOTTED(type, first, name, ...) FREE_##type(given->first##_##name)

void settings_free(struct settings *given)
{
#include "config/options_table.h"
    for (size_t i = 0; i < SETTING_COUNT; i++)
        free(given->origin[i]);
    *given = (struct settings){ 0 };
}
