#include "config/agent_keys.h"

#include <string.h>
#include <strings.h>

#include "config/options.h"

#define AGENT_KEY(kind, name, reason) \
    { .key = #name, .why = (reason), .class = AGENT_KEY_##kind },
static const struct agent_key keys[] = {
#include "config/agent_keys_table.h"
};

static const struct agent_key *const keys_end = keys + sizeof keys / sizeof keys[0];

const struct agent_key *agent_key_find(const char *key)
{
    for (const struct agent_key *at = keys; at < keys_end; at++)
        if (strcasecmp(at->key, key) == 0)
            return at;
    return NULL;
}

const struct agent_key *agent_key_of_variable(const char *variable)
{
    char name[OPTION_NAME_MAX];

    for (const struct agent_key *at = keys; at < keys_end; at++) {
        option_variable(at->key, name);
        if (strcmp(name, variable) == 0)
            return at;
    }
    return NULL;
}

bool agent_key_is_prefix(const char *prefix)
{
    size_t len = strlen(prefix);

    for (const struct agent_key *at = keys; at < keys_end; at++)
        if (strncasecmp(at->key, prefix, len) == 0 && at->key[len] == '.')
            return true;
    return false;
}

const char *agent_key_word(enum agent_key_class class)
{
    static const char *const words[] = {
        [AGENT_KEY_HARMLESS] = "is harmless here",
        [AGENT_KEY_CLIENT] = "is a client's",
        [AGENT_KEY_UNSUPPORTED] = "is not supported",
    };

    return words[class];
}
