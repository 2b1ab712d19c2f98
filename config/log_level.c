#include "config/log_level.h"

#include <stddef.h>
#include <strings.h>

static const struct {
    const char *word;
    enum log_level level;
} words[] = {
    { "off", LOG_LEVEL_OFF },     { "critical", LOG_LEVEL_ERROR }, { "error", LOG_LEVEL_ERROR },
    { "warn", LOG_LEVEL_WARN },   { "warning", LOG_LEVEL_WARN },   { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG }, { "trace", LOG_LEVEL_DEBUG },
};

bool log_level_parse(const char *word, enum log_level *level)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i].word, word) == 0) {
            *level = words[i].level;
            return true;
        }
    return false;
}
