/* flush/monitors/template.h: a monitor's message, made of its template.
 *
 *   {{#is_alert}}my_metric is {{value}} on {{host.name}}{{/is_alert}} @someone@example.com
 *
 *   facts of a transition + text -> the message, and who is named in it
 *
 * Blocks {{#x}}...{{else}}...{{/x}}, {{^x}}...{{/x}}, nested; variables; comments {{!-- --}};
 * {{{{raw}}}}...{{{{/raw}}}}. A variable that is not known is empty, and told. Receivers are
 * taken from the text of the template alone, outside of blocks that do not hold: what a tag
 * says names nobody. One with a variable in it is told as such, for it is refused.
 *
 * The message is plain text; control bytes of values but tab and newline become spaces. Whoever
 * puts it into HTML, a header or JSON escapes it there. Pure; bounded by TEMPLATE_OUT_MAX.
 * Facts: Datadog's monitors/notify/variables. */
#ifndef FLUSH_MONITORS_TEMPLATE_H
#define FLUSH_MONITORS_TEMPLATE_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/monitors/group_state.h"

enum { TEMPLATE_OUT_MAX = 64 << 10, TEMPLATE_DEPTH_MAX = 16, TEMPLATE_RECEIVERS_MAX = 32 };

struct template_pair {
    struct slice key, value;
};

/* Views. */
struct template_facts {
    struct transition transition;
    double value;
    bool has_value;
    const struct alert_rules *rules;
    int priority;
    const struct slice *tags; /* of the group, "key:value" */
    size_t n_tags;
    const struct template_pair
        *host; /* members of {{host.*}}, of a group by host; name, ip ... */
    size_t n_host;
    const struct slice *host_tags; /* "key:value", sorted: {{host.env}} */
    size_t n_host_tags;
    struct slice check_message;
    int64_t first_triggered_s, last_triggered_s; /* 0: never */
    int64_t now_s;
    bool hides_handles; /* who is told is not in the message */
    /* How far a zone is from UTC at that time. False: there is none of that name; NULL: no zone
     * is known, and times in one are empty. */
    bool (*offset)(const char *zone, int64_t at_s, int32_t *offset_s);
    /* The value of a variable that is none of these ({{a.value}} of a composite); or NULL. */
    bool (*find)(void *self, struct slice name, struct bytes *out);
    void *self;
};

/* Told while rendering; views of the template. A handle is without its @; one with a variable
 * in it is whole, as it is written. What is not known is a variable, or the name of a block. */
struct template_listener {
    void (*receiver)(void *self, struct slice handle, bool has_variable);
    void (*unknown)(void *self, struct slice name);
    void *self;
    void (*priority)(void *self, int priority); /* {{override_priority}}; or NULL */
};

/* Appends the message; listener: NULL, nobody is told. False: there was no memory, or it was
 * too long, and is cut. */
MUST_CHECK bool template_render(struct slice text, const struct template_facts *facts,
                                const struct template_listener *listener, struct bytes *out);

/* Tells of all that a message may ever name, in blocks that do not hold, too. False: there was
 * no memory, or it was too long. */
MUST_CHECK bool template_survey(struct slice text, const struct template_facts *facts,
                                const struct template_listener *listener);

/* Whether it is well formed; false with a sentence and its byte. */
MUST_CHECK bool template_check(struct slice text, char *problem, size_t problem_size);

/* As people read it: all whole digits, and as many behind the point as make six of them
 * together: 800, 812.346, 0.25, 1234567; from 1e15 on 1.5e+20. Returns its length. */
size_t template_number(double value, char out[static 32]);

#endif
