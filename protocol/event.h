/* protocol/event.h: one event line in, one event view out.
 *
 *   _e{<title bytes>,<text bytes>}:<title>|<text>[|d:time][|h:host][|k:key]
 *      [|p:priority][|s:source][|t:alert][|#tags]
 *      [|handle:name]   ours: who submits an event over HTTP may name somebody
 *
 * Pure; a view into the line, good as long as the line is. Bad optional fields
 * are ignored, as in the Agent; only a bad header or a short line refuses. */
#ifndef PROTOCOL_EVENT_H
#define PROTOCOL_EVENT_H

#include "protocol/parse.h"

enum event_priority { EVENT_NORMAL, EVENT_LOW };
enum event_alert { EVENT_INFO, EVENT_SUCCESS, EVENT_WARNING, EVENT_ERROR };

struct event {
    struct slice title; /* escaped as sent: backslash n stands for a newline */
    struct slice text;  /* the same */
    struct slice host;
    struct slice aggregation_key;
    struct slice source_type;
    struct slice handle; /* is not sent on */
    struct slice tags;
    struct slice fields; /* all behind the text, for origin_parse() */
    int64_t time_s;      /* 0: not sent */
    enum event_priority priority;
    enum event_alert alert;
};

enum parse_result event_parse(struct slice line, struct event *out);

const char *event_priority_name(enum event_priority priority); /* "normal" "low" */
const char *event_alert_name(enum event_alert alert); /* "info" "success" "warning" "error" */

#endif
