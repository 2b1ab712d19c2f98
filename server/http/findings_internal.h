/* server/http/findings_internal.h: whether a state holds that is worth a finding, and the
 * sentence about it. What server/http/findings.h looks for, one function a row of
 * FINDING_STATES. Pure. */
#ifndef SERVER_HTTP_FINDINGS_INTERNAL_H
#define SERVER_HTTP_FINDINGS_INTERNAL_H

#include "server/http/findings.h"

/* What is looked at, and when. */
struct moment {
    const struct server_view *view;
    int64_t monotonic_ms, wall_s;
};

/* True: it holds; then sentence and mend are written. */
typedef bool finding_state(const struct moment *moment, struct finding *out);

/* By its id, static. */
finding_state *finding_state_of(enum finding_id id);

#endif
