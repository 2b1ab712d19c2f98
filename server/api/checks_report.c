#include "server/api/checks_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/log.h"
#include "flush/memory/json_view.h"
#include "server/api/shape.h"

/* ---- what it may say --------------------------------------------------- */

static const struct shape runner_shape[] = {
    { "pid", SHAPE_WHOLE, 0, NULL },     { "version", SHAPE_TEXT, 64, NULL },
    { "started", SHAPE_WHOLE, 0, NULL }, { "python", SHAPE_TEXT, 64, NULL },
    { NULL, SHAPE_FLAG, 0, NULL },
};

static const struct shape sent_shape[] = {
    { "points", SHAPE_WHOLE, 0, NULL }, { "service_checks", SHAPE_WHOLE, 0, NULL },
    { "events", SHAPE_WHOLE, 0, NULL }, { "given_up", SHAPE_COUNTS, 16, NULL },
    { "queued", SHAPE_WHOLE, 0, NULL }, { NULL, SHAPE_FLAG, 0, NULL },
};

static const struct shape report_shape[] = {
    { "ended", SHAPE_FLAG, 0, NULL },        { "runner", SHAPE_OBJECT, 0, runner_shape },
    { "sent", SHAPE_OBJECT, 0, sent_shape }, { "problems", SHAPE_TEXTS, 32, NULL },
    { NULL, SHAPE_FLAG, 0, NULL },
};

static const struct shape output_shape[] = {
    { "lines", SHAPE_WHOLE, 0, NULL },
    { "last", SHAPE_TEXT, 256, NULL },
    { NULL, SHAPE_FLAG, 0, NULL },
};

/* What operators read of an instance. */
#define BRIEF_ROWS                                                                   \
    { "name", SHAPE_TEXT, 128, NULL }, { "id", SHAPE_TEXT, 160, NULL },              \
        { "source", SHAPE_TEXT, 512, NULL }, { "interval_s", SHAPE_WHOLE, 0, NULL }, \
        { "state", SHAPE_TEXT, 16, NULL }, { "last_run", SHAPE_WHOLE, 0, NULL },     \
        { "seconds", SHAPE_REAL, 0, NULL }, { "next_run", SHAPE_WHOLE, 0, NULL },    \
        { "runs", SHAPE_WHOLE, 0, NULL }, { "failures", SHAPE_WHOLE, 0, NULL },      \
        { "skipped", SHAPE_WHOLE, 0, NULL }, { "kills", SHAPE_WHOLE, 0, NULL },      \
        { "metrics", SHAPE_WHOLE, 0, NULL },                                         \
    {                                                                                \
        "error", SHAPE_TEXT, 512, NULL                                               \
    }

static const struct shape brief_shape[] = { BRIEF_ROWS, { NULL, SHAPE_FLAG, 0, NULL } };

static const struct shape instance_shape[] = {
    BRIEF_ROWS,
    { "samples", SHAPE_WHOLE, 0, NULL },
    { "events", SHAPE_WHOLE, 0, NULL },
    { "service_checks", SHAPE_WHOLE, 0, NULL },
    { "dropped", SHAPE_COUNTS, 16, NULL },
    { "warnings", SHAPE_TEXTS, 8, NULL },
    { "traceback", SHAPE_TEXT, SHAPE_TEXT_MAX, NULL },
    { "output", SHAPE_OBJECT, 0, output_shape },
    { NULL, SHAPE_FLAG, 0, NULL },
};

_Static_assert(sizeof instance_shape / sizeof *instance_shape <= SHAPE_MEMBERS_MAX + 1,
               "a table of more members than shape.c finds");

/* ---- reading ----------------------------------------------------------- */

struct instance {
    struct slice value; /* an object; a view of the body */
    enum checks_state state;
};

struct report {
    struct slice body;
    size_t n, left_out;
    struct instance instances[CHECKS_INSTANCES_MAX];
};

static bool read_state(struct slice instance, enum checks_state *out)
{
    struct slice word = json_view_member(instance, "state");

    for (int state = 0; state < CHECKS_STATE_COUNT; state++)
        if (json_view_says(word, checks_state_word((enum checks_state)state))) {
            *out = (enum checks_state)state;
            return true;
        }
    return false;
}

static bool read_instance(struct report *report, struct slice value,
                          char problem[CHECKS_PROBLEM_MAX])
{
    struct instance *instance = &report->instances[report->n];
    char wrong[SHAPE_PROBLEM_MAX];

    instance->value = value;
    if (json_view_kind(value) != JSON_KIND_OBJECT)
        snprintf(problem, CHECKS_PROBLEM_MAX, "instances[%zu]: expected an object", report->n);
    else if (!shape_fits(instance_shape, value, wrong))
        snprintf(problem, CHECKS_PROBLEM_MAX, "instances[%zu].%s", report->n, wrong);
    else if (json_view_kind(json_view_member(value, "name")) != JSON_KIND_STRING)
        snprintf(problem, CHECKS_PROBLEM_MAX, "instances[%zu].name: expected text", report->n);
    else if (!read_state(value, &instance->state))
        snprintf(problem, CHECKS_PROBLEM_MAX,
                 "instances[%zu].state: expected one that there is, as ok or error", report->n);
    else
        return ++report->n > 0;
    return false;
}

/* The first ones; of the rest it is only counted that they are there. */
static bool read_instances(struct report *report, struct slice list,
                           char problem[CHECKS_PROBLEM_MAX])
{
    struct slice inside = json_view_inside(list), value;

    if (json_view_kind(list) != JSON_KIND_ARRAY) {
        snprintf(problem, CHECKS_PROBLEM_MAX, "instances: expected a list");
        return false;
    }
    while (json_view_next_item(&inside, &value))
        if (report->n == CHECKS_INSTANCES_MAX)
            report->left_out++;
        else if (!read_instance(report, value, problem))
            return false;
    return true;
}

/* ---- the brief --------------------------------------------------------- */

static uint64_t count_of(struct slice object, const char *name)
{
    int64_t number = 0;

    return json_view_whole(json_view_member(object, name), &number) ? (uint64_t)number : 0;
}

/* One that runs again has not mended itself: its error is that of the run before. */
static bool fails(const struct instance *instance)
{
#define STATE_FAILS(id, word, does) [id] = does,
    static const bool failing[CHECKS_STATE_COUNT] = { CHECKS_STATES(STATE_FAILS) };
#undef STATE_FAILS

    return failing[instance->state] ||
           (instance->state == CHECKS_RUNNING &&
            json_view_kind(json_view_member(instance->value, "error")) == JSON_KIND_STRING);
}

/* Printable, as it goes to the log, too. */
static const char *quoted(struct slice string, char *out, size_t size)
{
    char room[SHAPE_TEXT_MAX + 4];
    struct slice text = shape_text(string, size, room);

    return log_quote(text.at, text.len, out, size);
}

static void describe(struct slice instance, char out[CHECKS_SENTENCE_SIZE])
{
    char name[50], source[60], error[120];

    quoted(json_view_member(instance, "name"), name, sizeof name);
    quoted(json_view_member(instance, "source"), source, sizeof source);
    quoted(json_view_member(instance, "error"), error, sizeof error);
    snprintf(out, CHECKS_SENTENCE_SIZE, "%s%s%s%s%s%s", name, source[0] != '\0' ? " (" : "",
             source, source[0] != '\0' ? ")" : "", error[0] != '\0' ? ": " : "", error);
}

static void sum_instances(const struct report *report, struct checks_brief *brief)
{
    enum checks_state worst = CHECKS_WAITING;

    for (size_t i = 0; i < report->n; i++) {
        const struct instance *instance = &report->instances[i];

        brief->instances[instance->state]++;
        brief->failing += fails(instance);
        brief->runs += count_of(instance->value, "runs");
        brief->failures += count_of(instance->value, "failures");
        brief->kills += count_of(instance->value, "kills");
        if (fails(instance) && (brief->worst[0] == '\0' || instance->state > worst)) {
            describe(instance->value, brief->worst);
            worst = instance->state;
        }
    }
    brief->all = report->n + report->left_out;
}

static void sum_rest(const struct report *report, struct checks_brief *brief)
{
    struct slice sent = json_view_member(report->body, "sent"), name, value;
    struct slice given_up = json_view_inside(json_view_member(sent, "given_up"));
    struct slice problems = json_view_inside(json_view_member(report->body, "problems"));

    brief->ended = json_view_kind(json_view_member(report->body, "ended")) == JSON_KIND_TRUE;
    brief->points = count_of(sent, "points");
    while (json_view_next_member(&given_up, &name, &value)) {
        int64_t n = 0;

        if (json_view_whole(value, &n))
            brief->given_up += (uint64_t)n;
    }
    while (json_view_next_item(&problems, &value))
        if (brief->problems++ == 0)
            quoted(value, brief->problem, sizeof brief->problem);
}

/* ---- writing ----------------------------------------------------------- */

static void write_states(struct json_out *out, const struct checks_brief *brief)
{
    json_out_begin(out, "states", '{');
    for (int state = 0; state < CHECKS_STATE_COUNT; state++)
        json_out_number(out, checks_state_word((enum checks_state)state),
                        brief->instances[state]);
    json_out_end(out, '}');
}

static void begin_report(struct json_out *out, const struct report *report,
                         const struct checks_brief *brief)
{
    json_out_begin(out, NULL, '{');
    shape_write(out, report_shape, report->body);
    json_out_number(out, "all", brief->all);
    json_out_number(out, "left_out", report->left_out);
    write_states(out, brief);
    json_out_begin(out, "instances", '[');
}

static void end_report(struct json_out *out)
{
    json_out_end(out, ']');
    json_out_end(out, '}');
}

static void write_instance(struct json_out *out, const struct shape *shape,
                           const struct instance *instance)
{
    json_out_begin(out, NULL, '{');
    shape_write(out, shape, instance->value);
    json_out_end(out, '}');
}

static void write_whole(struct json_out *out, const struct report *report,
                        const struct checks_brief *brief)
{
    begin_report(out, report, brief);
    for (size_t i = 0; i < report->n; i++)
        write_instance(out, instance_shape, &report->instances[i]);
    end_report(out);
}

/* The worst first, as far as there is room. */
static void write_brief(struct json_out *out, const struct report *report,
                        const struct checks_brief *brief)
{
    int shown = 0;

    begin_report(out, report, brief);
    for (int state = CHECKS_STATE_COUNT; state-- > 0;)
        for (size_t i = 0; i < report->n && shown < CHECKS_SHOWN_MAX; i++)
            if ((int)report->instances[i].state == state) {
                write_instance(out, brief_shape, &report->instances[i]);
                shown++;
            }
    end_report(out);
}

/* ---- all of it --------------------------------------------------------- */

static enum checks_reading tell(const struct report *report, struct checks_brief *brief,
                                struct bytes *whole)
{
    struct json_out all = { .comma = false }, some = { .comma = false };

    sum_instances(report, brief);
    sum_rest(report, brief);
    write_whole(&all, report, brief);
    write_brief(&some, report, brief);
    *whole = all.bytes;
    brief->report = some.bytes;
    return all.bytes.failed || some.bytes.failed ? CHECKS_NO_MEMORY : CHECKS_READ;
}

static enum checks_reading read_into(struct report *report, struct checks_brief *brief,
                                     struct bytes *whole, char problem[CHECKS_PROBLEM_MAX])
{
    char wrong[SHAPE_PROBLEM_MAX];

    if (!shape_fits(report_shape, report->body, wrong)) {
        snprintf(problem, CHECKS_PROBLEM_MAX, "%s", wrong);
        return CHECKS_WRONG;
    }
    if (!read_instances(report, json_view_member(report->body, "instances"), problem))
        return CHECKS_WRONG;
    return tell(report, brief, whole);
}

enum checks_reading checks_report_read(struct slice body, int64_t now_ms, int64_t now_s,
                                       struct checks_brief **brief, struct bytes *whole,
                                       char problem[CHECKS_PROBLEM_MAX])
{
    struct report *report = calloc(1, sizeof *report);
    enum checks_reading result = CHECKS_NO_MEMORY;

    *whole = (struct bytes){ 0 };
    *brief = calloc(1, sizeof **brief);
    if (report != NULL && *brief != NULL) {
        report->body = body;
        (*brief)->heard_ms = now_ms;
        (*brief)->heard_s = now_s;
        result = read_into(report, *brief, whole, problem);
    }
    free(report);
    if (result != CHECKS_READ) {
        checks_brief_free(*brief);
        bytes_free(whole);
        *brief = NULL;
    }
    return result;
}
