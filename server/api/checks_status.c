/* What the runner of checks tells, and who asks for all of it. */
#include "config/clock.h"
#include "server/api/api.h"
#include "server/api/api_job.h"
#include "server/api/checks_report.h"
#include "server/http/server_view.h"

void checks_status_take(struct desk_job *given, const struct http_request *request,
                        void *argument)
{
    const struct server_view *view = argument;
    char problem[CHECKS_PROBLEM_MAX];
    struct checks_brief *brief;
    struct bytes whole;
    struct slice body;

    if (!api_read_body(given, request, CHECKS_KEYS_MAX, &body))
        return;
    switch (checks_report_read(body, clock_monotonic_ms(), clock_wall_s(), &brief, &whole,
                               problem)) {
    case CHECKS_READ:
        checks_tell(view->checks, brief, &whole);
        api_reply_text(given, 202, "{\"status\":\"ok\"}\n");
        break;
    case CHECKS_WRONG:
        api_refuse(given, 400, "%s", problem);
        break;
    case CHECKS_NO_MEMORY:
        api_refuse(given, 503, "not enough memory");
        break;
    }
}

void checks_status_get(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    const struct server_view *view = argument;
    struct json_out out = { .comma = false };

    (void)request;
    checks_write_whole(&out, view->checks, clock_monotonic_ms());
    api_reply(given, 200, &out);
}
