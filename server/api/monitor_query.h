/* server/api/monitor_query.h: which monitors a search is about.
 *
 *   status:alert tag:"team:web" type:metric muted:true -status:ok disk
 *
 * All of its words must hold; '-' before one turns it round. A word without a key is part of
 * the name, the query or a tag. Pure; views of the text, which is good as long. */
#ifndef SERVER_API_MONITOR_QUERY_H
#define SERVER_API_MONITOR_QUERY_H

#include "server/api/monitor_form.h"

enum { MONITOR_QUERY_TERMS_MAX = 32, MONITOR_QUERY_MAX = 256 };

enum monitor_query_key {
    SEARCH_ANY,
    SEARCH_STATUS,
    SEARCH_TAG,
    SEARCH_TYPE,
    SEARCH_MUTED,
    SEARCH_NAME,
    SEARCH_TEXT, /* of the query: metrics and scopes */
    SEARCH_ID,
    SEARCH_HANDLE, /* in the message */
    SEARCH_PRIORITY,
    SEARCH_GROUP
};

struct monitor_query {
    struct {
        enum monitor_query_key key;
        struct slice value;
        bool is_not;
        bool fits; /* the monitor that was looked at */
    } terms[MONITOR_QUERY_TERMS_MAX];
    size_t n;
};

/* False with a sentence. */
MUST_CHECK bool monitor_query_read(struct slice text, struct monitor_query *out,
                                   char problem[static MONITOR_PROBLEM_MAX]);

/* Looks at that monitor, once for all of its groups. */
void monitor_query_look(struct monitor_query *query, const struct monitor_sight *sight,
                        int64_t now_s);

/* Whether it fits, or that group of it. */
bool monitor_query_fits(const struct monitor_query *query,
                        const struct watched_monitor *watched);
bool monitor_query_fits_group(const struct monitor_query *query,
                              const struct watched_group *group);

#endif
