/* Who was told what, newest first, and a message that tries it. */
#include <inttypes.h>

#include "config/clock.h"
#include "server/api/api.h"
#include "server/api/monitors_shared.h"
#include "server/monitors/evaluator.h"

enum { COUNT = 100 };

static void write_line(struct json_out *out, const struct told_line *line)
{
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "id", line->id);
    json_out_signed(out, "at", line->raised_s);
    json_out_signed(out, "monitor", line->monitor);
    json_out_slice(out, "monitor_name", line->monitor_name);
    json_out_slice(out, "group", line->group);
    json_out_text(out, "state", monitor_state_word(line->to));
    json_out_slice(out, "receiver", line->receiver);
    json_out_slice(out, "title", line->title);
    json_out_text(out, "end", notification_end_word(line->end));
    json_out_number(out, "attempts", line->attempts);
    json_out_text(out, "answer", line->answer != NULL ? line->answer : "");
    json_out_signed(out, "answered_at", line->at_s);
    json_out_end(out, '}');
}

void notifications_list(struct desk_job *given, const struct http_request *request,
                        void *argument)
{
    const struct server_view *view = argument;
    struct json_out out = { .comma = false };
    int64_t start = 0, count = COUNT, monitor = 0;
    const struct told_line *line;

    if (!api_read_number(given, request, "start", 0, EVALUATOR_TOLD_MAX, &start) ||
        !api_read_number(given, request, "count", 1, EVALUATOR_TOLD_MAX, &count) ||
        !api_read_number(given, request, "monitor", 1, INT64_MAX, &monitor))
        return;
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "notifications", '[');
    for (size_t i = 0; view->evaluator != NULL && count > 0 &&
                       (line = evaluator_told(view->evaluator, i)) != NULL;
         i++) {
        if ((monitor != 0 && line->monitor != monitor) || start-- > 0)
            continue;
        write_line(&out, line);
        count--;
    }
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    api_reply(given, 200, &out);
}

/* What came of it is in the list above. */
void notifications_test(struct desk_job *given, const struct http_request *request,
                        void *argument)
{
    const struct server_view *view = argument;
    const struct definition *found = monitors_need(given, request, view);

    if (found == NULL)
        return;
    if (view->evaluator != NULL &&
        evaluator_test(view->evaluator, found->number, clock_wall_ms() / 1000))
        api_reply_text(given, 202, "{}\n");
    else
        api_refuse(given, 409, "this monitor is not evaluated yet: try again in a second");
}
