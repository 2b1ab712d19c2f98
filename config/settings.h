/* config/settings.h: the effective settings, one typed field per option.
 *
 * The fields are made from the table of options: the key "a.b" is the field
 * a_b. Strings are never NULL. Filled once by settings_load(), then sealed;
 * everyone may read them. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/string_list.h"

enum { PORT_RANDOM = -1 }; /* of a port: __random__ */
enum { WORKERS_MAX = 64 }; /* a set of them is a word */

/* One number per option: SETTING_dogstatsd_port, SETTING_enable_payloads_series. */
#define OPTION(type, name, ...)               SETTING_##name,
#define OPTION_DOTTED(type, first, name, ...) SETTING_##first##_##name,
enum setting {
#include "config/options_table.h"
    SETTING_COUNT
};

#define FIELD_BOOL                            bool
#define FIELD_INT                             int64_t
#define FIELD_PORT                            int
#define FIELD_FLOAT                           double
#define FIELD_STRING                          char *
#define FIELD_CHOICE                          char *
#define FIELD_LIST                            struct string_list
#define FIELD_JSON_LIST                       json_t *
#define FIELD_JSON_MAP                        json_t *
#define OPTION(type, name, ...)               FIELD_##type name;
#define OPTION_DOTTED(type, first, name, ...) FIELD_##type first##_##name;

struct settings {
#include "config/options_table.h"

    /* Where each came from: "default", "datadog.yaml:12", "DD_TAGS", "--set". */
    char *origin[SETTING_COUNT];
};

#undef FIELD_BOOL
#undef FIELD_INT
#undef FIELD_PORT
#undef FIELD_FLOAT
#undef FIELD_STRING
#undef FIELD_CHOICE
#undef FIELD_LIST
#undef FIELD_JSON_LIST
#undef FIELD_JSON_MAP

/* Whether there is neither a key nor a URL of an intake: then nothing is sent anywhere. */
bool settings_is_local(const struct settings *settings);

/* The URL as it may be shown: user and password are "***", and so is a query. */
void settings_mask_url(const char *url, char *out, size_t out_size);

/* Leaves them empty. They may be filled or zeroed. */
void settings_free(struct settings *given);

#endif
