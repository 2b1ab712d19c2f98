#include "config/unknown.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/agent_keys.h"
#include "config/log.h"
#include "config/options.h"
#include "config/settings.h"

enum {
    SEARCHED_MAX = 100
}; /* a file may be full of unknown keys, and each search takes time */

/* A URL with a password that stands too far left is a key. */
static const char *quote_key(const char *key, char out[OPTION_NAME_MAX])
{
    char masked[2 * OPTION_NAME_MAX];

    settings_mask_url(key, masked, sizeof masked);
    return log_quote(masked, strlen(masked), out, OPTION_NAME_MAX);
}

void unknown_refuse(const char *key, const char *where, struct problems *problems)
{
    bool listed =
        problems->errors.n < PROBLEMS_MAX; /* if not, the search would be for nothing */
    const struct option *nearest = listed ? option_nearest(key) : NULL;
    char quoted[OPTION_NAME_MAX];

    quote_key(key, quoted);
    if (nearest != NULL)
        problems_error(problems, "%s: there is no setting %s: did you mean %s?", where, quoted,
                       nearest->key);
    else
        problems_error(problems, "%s: there is no setting %s.", where, quoted);
}

static const struct option *meant(const char *key, const struct problems *problems)
{
    return problems->ignored.n + problems->warnings.n < SEARCHED_MAX ? option_misspelled(key)
                                                                     : NULL;
}

void unknown_key(const char *key, const char *where, struct problems *problems)
{
    const struct agent_key *known = agent_key_find(key);
    const struct option *option = known == NULL ? meant(key, problems) : NULL;
    char quoted[OPTION_NAME_MAX];

    quote_key(key, quoted);
    if (option_is_ours(key))
        unknown_refuse(key, where, problems);
    else if (known != NULL)
        problems_note(problems, "%s: %s %s: %s.", where, quoted, agent_key_word(known->class),
                      known->why);
    else if (option != NULL)
        problems_warn(problems, "%s: %s is not known here: did you mean %s?", where, quoted,
                      option->key);
    else
        problems_ignore(problems, quoted);
}

/* Its name as a key is only a guess where dots are concerned, good enough to look for a
 * similar one. */
void unknown_variable(const char *name, struct problems *problems)
{
    const struct agent_key *known = agent_key_of_variable(name);
    char key[OPTION_NAME_MAX], quoted[OPTION_NAME_MAX], variable[OPTION_NAME_MAX];

    snprintf(key, sizeof key, "%s", name + strlen("DD_"));
    for (char *c = key; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    log_quote(name, strlen(name), quoted, sizeof quoted);
    const struct option *option = known == NULL ? meant(key, problems) : NULL;
    if (option != NULL)
        option_variable(option->key, variable);

    if (option_is_ours(key))
        unknown_refuse(key, quoted, problems);
    else if (known != NULL)
        problems_note(problems, "%s %s: %s.", quoted, agent_key_word(known->class), known->why);
    else if (option != NULL)
        problems_warn(problems, "%s is not known here: did you mean %s?", quoted, variable);
    else
        problems_ignore(problems, quoted);
}
