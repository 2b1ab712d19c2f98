/* config/settings_json.h: the effective settings, as another program of ours takes them.
 *
 *   {"env":"dev","dogstatsd_tags":"[\"a:b\"]","heeler_interval":"10",...}
 *
 * A member for each option, and its value as it may stand behind KEY= on a command line. What
 * is secret, or a URL, which may hold a password, is left out. */
#ifndef CONFIG_SETTINGS_JSON_H
#define CONFIG_SETTINGS_JSON_H

#include "config/settings.h"

/* A new reference; NULL without memory. A text that is no UTF-8 is left out. */
json_t *settings_json(const struct settings *settings);

#endif
