#include "server/commands/explainer.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/fault.h"
#include "server/commands/explain_named.h"
#include "server/commands/explain_parsed.h"
#include "server/commands/explain_run.h"

struct explainer {
    const struct settings *settings;
    struct explain_setup setup;
    struct enricher *enricher;
};

struct explainer *explainer_new(struct settings *settings, const char *hostname, char *problem,
                                size_t problem_size)
{
    struct explainer *explainer = calloc(1, sizeof *explainer);

    snprintf(problem, problem_size, "not enough memory");
    if (explainer == NULL || !explain_run_settings(settings, hostname, &explainer->setup)) {
        free(explainer);
        return NULL;
    }
    explainer->settings = settings;
    explainer->enricher = enrich_new(settings, hostname, problem, problem_size);
    if (explainer->enricher == NULL) {
        free(explainer);
        return NULL;
    }
    return explainer;
}

void explainer_free(struct explainer *given)
{
    if (given == NULL)
        return;
    enrich_free(given->enricher);
    free(given);
}

/* ---- what becomes of it ------------------------------------------------ */

static void put_refusal(struct json_out *out, struct slice line, enum parse_result why)
{
    json_out_text(out, "code", parse_result_label(why));
    json_out_text(out, "reason", parse_result_sentence(why));
    json_out_number(out, "at", fault_at(line, why));
}

/* How values of one interval become what is sent: what stands around its seconds. */
struct way {
    const char *before, *behind;
};

static struct way way_of(enum cell_kind kind)
{
    static const struct way ways[] = {
        [SHOWN_RATE] = { "added up over ", ", and sent as a rate a second" },
        [SHOWN_VALUE] = { "the last value of each ", " is sent" },
        [SHOWN_AGGREGATES] = { "a series for each aggregate and percentile of each ", "" },
        [SHOWN_SKETCH] = { "a sketch of all values of each ",
                           ", of which the intake computes percentiles" },
    };

    if (kind == CELL_SET)
        return (struct way){ "how many different values there were in each ", "" };
    return ways[cell_kinds[kind].shown];
}

static void put_aggregated(struct json_out *out, const struct explainer *explainer,
                           const struct explain_parsed *parsed)
{
    struct way way = way_of(cell_kind_of(parsed->type));
    char text[160];

    if (parsed->timed)
        snprintf(text, sizeof text,
                 "not aggregated: each value is a point with the timestamp of the line");
    else
        snprintf(text, sizeof text, "%s%lld s%s", way.before,
                 (long long)explainer->settings->heeler_interval, way.behind);
    json_out_text(out, "aggregated", text);
}

/* Of other types a timestamp is refused, so nothing is to be said of them. */
static bool is_aggregated(const struct explain_parsed *parsed)
{
    return parsed->kind == LINE_METRIC &&
           (!parsed->timed || parsed->type == METRIC_COUNT || parsed->type == METRIC_GAUGE);
}

static void put_loss(struct json_out *out, const char *unit, uint64_t n, const char *code,
                     const char *reason)
{
    if (n == 0)
        return;
    json_out_begin(out, NULL, '{');
    json_out_number(out, unit, n);
    json_out_text(out, "code", code);
    json_out_text(out, "reason", reason);
    json_out_end(out, '}');
}

static void put_losses(struct json_out *out, const struct explain_outcome *outcome)
{
    json_out_begin(out, "shed", '[');
    for (int i = SHED_NOTHING + 1; i < SHED_REASON_COUNT; i++)
        put_loss(out, "values", outcome->shed[i], shed_reason_label((enum shed_reason)i),
                 shed_reason_sentence((enum shed_reason)i));
    json_out_end(out, ']');
    json_out_begin(out, "dropped", '[');
    for (int i = 0; i < POINT_DROP_COUNT; i++)
        put_loss(out, "points", outcome->dropped[i], point_drop_label((enum point_drop)i),
                 point_drop_sentence((enum point_drop)i));
    json_out_end(out, ']');
}

static void put_outcome(struct json_out *out, const struct explain_outcome *outcome)
{
    put_losses(out, outcome);
    json_out_raw(out, "intake", bytes_view(&outcome->intake));
}

/* ---- a line ------------------------------------------------------------ */

static void put_accepted(struct json_out *out, struct explainer *explainer,
                         const struct explain_parsed *parsed,
                         const struct explain_outcome *outcome)
{
    explain_named_write(out, explainer->enricher, explainer->settings, parsed);
    if (is_aggregated(parsed))
        put_aggregated(out, explainer, parsed);
    put_outcome(out, outcome);
}

/* What the ledgers of the run say stands against what the parser says here: both are one code,
 * so a difference is a mistake of ours. */
static bool write_line(struct explainer *explainer, struct slice line,
                       const struct explain_outcome *outcome, struct json_out *out)
{
    bool ignore_time = !explainer->settings->dogstatsd_no_aggregation_pipeline;
    struct explain_parsed parsed;

    json_out_text(out, "kind", explain_parsed_kind(parse_kind(line)));
    if (!explain_parsed_write(out, line, ignore_time, &parsed) ||
        parsed.result != outcome->refused)
        return false;
    if (parsed.result != PARSE_OK)
        put_refusal(out, line, parsed.result);
    else
        put_accepted(out, explainer, &parsed, outcome);
    return true;
}

/* More than "[]". */
static bool is_sent(const struct explain_outcome *outcome)
{
    return outcome->intake.len > 2;
}

enum explained explainer_line(struct explainer *explainer, struct slice line, int64_t now_s,
                              struct json_out *out, char *problem, size_t problem_size)
{
    size_t most = (size_t)explainer->settings->dogstatsd_buffer_size;
    struct slice read = { line.at, line.len < most ? line.len : most };
    struct explain_outcome outcome;
    bool done = explain_run(&explainer->setup, read, now_s, &outcome, problem, problem_size);

    if (done) {
        json_out_begin(out, NULL, '{');
        json_out_slice(out, "line", line);
        if (read.len < line.len)
            json_out_number(out, "cut_at", read.len);
        json_out_bool(out, "sent", is_sent(&outcome));
        done = write_line(explainer, read, &outcome, out);
        json_out_end(out, '}');
        snprintf(problem, problem_size, "not enough memory");
    }
    enum explained result = is_sent(&outcome) ? EXPLAINED_SENT : EXPLAINED_UNSENT;

    explain_outcome_free(&outcome);
    return done && !out->bytes.failed ? result : EXPLAINED_FAILED;
}
