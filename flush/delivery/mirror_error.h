/* flush/delivery/mirror_error.h: what Redis answers to a command instead of doing it.
 *
 * Some of that heals by itself or by an administrator: such commands are sent again until
 * Redis takes them. The others never will be, and are dropped. */
#ifndef FLUSH_DELIVERY_MIRROR_ERROR_H
#define FLUSH_DELIVERY_MIRROR_ERROR_H

#include <stdbool.h>

/* X(id, label, the answer's first word, heals). */
#define MIRROR_ERRORS(X)                                       \
    X(MIRROR_OOM, "oom", "OOM", true)                          \
    X(MIRROR_LOADING, "loading_data", "LOADING", true)         \
    X(MIRROR_MISCONF, "misconf", "MISCONF", true)              \
    X(MIRROR_READONLY, "read_only", "READONLY", true)          \
    X(MIRROR_MASTERDOWN, "master_down", "MASTERDOWN", true)    \
    X(MIRROR_CLUSTERDOWN, "cluster_down", "CLUSTERDOWN", true) \
    X(MIRROR_TRYAGAIN, "try_again", "TRYAGAIN", true)          \
    X(MIRROR_BUSY, "busy", "BUSY", true)                       \
    X(MIRROR_NOREPLICAS, "no_replicas", "NOREPLICAS", true)    \
    X(MIRROR_NOPERM, "no_permission", "NOPERM", true)          \
    X(MIRROR_WRONGTYPE, "wrong_type", "WRONGTYPE", false)      \
    X(MIRROR_OTHER, "other", "", false)

#define MIRROR_ERROR_ENUM(id, label, word, heals) id,
enum mirror_error { MIRROR_ERRORS(MIRROR_ERROR_ENUM) MIRROR_ERROR_COUNT };
#undef MIRROR_ERROR_ENUM

const char *mirror_error_name(enum mirror_error error); /* static */

/* By the first word of the answer. */
enum mirror_error mirror_error_of(const char *answer);

bool mirror_error_heals(enum mirror_error error);

#endif
