/* config/agent_keys.h: settings that others read, told apart from mistakes.
 *
 * People bring the Agent's file and the environment of their services. What has no
 * meaning here is said with a word, so that a key that nobody knows stands out. */
#ifndef CONFIG_AGENT_KEYS_H
#define CONFIG_AGENT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum agent_key_class {
    AGENT_KEY_HARMLESS,    /* nothing is missing without it */
    AGENT_KEY_CLIENT,      /* a client's */
    AGENT_KEY_UNSUPPORTED, /* the Agent would do something */
};

struct agent_key {
    const char *key;
    const char *why;
    enum agent_key_class class;
};

/* Static, or NULL; any case. */
const struct agent_key *agent_key_find(const char *key);

/* The one of this variable ("DD_TELEMETRY_ENABLED"), or NULL. */
const struct agent_key *agent_key_of_variable(const char *variable);

/* A key begins with prefix and a dot. */
bool agent_key_is_prefix(const char *prefix);

/* "is harmless here", to stand behind the key. */
const char *agent_key_word(enum agent_key_class class);

#endif
