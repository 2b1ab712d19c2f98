/* server/api/definition.h: one thing that was defined by API or in a file, and what kinds of
 * them there are. Made, owned and dropped by server/api/definitions.h. */
#ifndef SERVER_API_DEFINITION_H
#define SERVER_API_DEFINITION_H

#include <stdint.h>

#include "protocol/slice.h"

enum { DEFINITION_NAME_MAX = 512 };

/* X(id, word, how many, bytes of all together): the word is what keepers and /metrics know it
 * by. */
#define DEFINITION_KINDS(X)                              \
    X(DEFINITION_DASHBOARD, "dashboard", 2000, 16 << 20) \
    X(DEFINITION_METRIC, "metric", 5000, 4 << 20)        \
    X(DEFINITION_MONITOR, "monitor", 2000, 16 << 20)     \
    X(DEFINITION_DOWNTIME, "downtime", 2000, 4 << 20)

#define DEFINITION_ENUM(id, word, most, most_bytes) id,
enum definition_kind { DEFINITION_KINDS(DEFINITION_ENUM) DEFINITION_KIND_COUNT };
#undef DEFINITION_ENUM

struct definition {
    struct definition *next;                    /* of its kind, the oldest first */
    struct definition *next_name, *next_number; /* of its chains; the index has them */
    enum definition_kind kind;
    struct slice name;              /* unique among its kind; owned, as the rest is */
    struct slice file;              /* that it is of; empty: it came by API */
    int64_t number;                 /* for who knows it by one; unique among its kind, or 0 */
    int64_t created_ms, changed_ms; /* since 1970 */
    struct slice body;              /* a JSON object */
};

#endif
