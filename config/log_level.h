/* config/log_level.h: how much a line of the log matters, for those who write and send it. */
#ifndef CONFIG_LOG_LEVEL_H
#define CONFIG_LOG_LEVEL_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_OFF,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Words of the setting log_level; trace is debug, critical is error. */
bool log_level_parse(const char *word, enum log_level *level);

#endif
