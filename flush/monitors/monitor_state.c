#include "flush/monitors/monitor_state.h"

#include <strings.h>

static const struct {
    const char *word, *heading;
} states[] = {
#define STATE_ROW(id, word, heading) [id] = { word, heading },
    MONITOR_STATES(STATE_ROW)
#undef STATE_ROW
};

const char *monitor_state_word(enum monitor_state state)
{
    return states[state].word;
}

const char *monitor_state_heading(enum monitor_state state)
{
    return states[state].heading;
}

/* Letters alone, whatever their case. */
static bool is_like(struct slice text, const char *word)
{
    for (; text.len > 0; text = slice_skip(text, 1)) {
        if (slice_is_one_of(text.at[0], " _"))
            continue;
        word += *word == ' ';
        if (strncasecmp(text.at, word, 1) != 0)
            return false;
        word++;
    }
    return *word == '\0';
}

bool monitor_state_find(struct slice word, enum monitor_state *out)
{
    for (int state = 0; state < MONITOR_STATE_COUNT; state++)
        if (is_like(word, states[state].word)) {
            *out = (enum monitor_state)state;
            return true;
        }
    return false;
}
