#include "server/commands/monitor_file.h"

#include <stdio.h>
#include <string.h>

#include "config/regular_file.h"
#include "config/zone_offset.h"
#include "flush/memory/json_view.h"
#include "flush/monitors/downtime.h"
#include "flush/monitors/template.h"
#include "flush/notify/receivers.h"

enum { KEYS_MAX = 10000, SENTENCE_MAX = 768, TOLD_MAX = 64, NAME_SHOWN = 120 };

/* ---- where ------------------------------------------------------------- */

/* The line of a place in the text, and the byte in that line, from 1. */
static void find_place(const struct monitor_file *file, size_t at, size_t *line, size_t *byte)
{
    *line = *byte = 1;
    for (size_t i = 0; i < at && i < file->text.len; i++) {
        ++*byte;
        if (file->text.at[i] == '\n') {
            ++*line;
            *byte = 1;
        }
    }
}

static size_t line_of(const struct monitor_file *file, struct slice value)
{
    size_t line, byte;

    find_place(file, (size_t)(value.at - (const char *)file->text.at), &line, &byte);
    return line;
}

/* The value of that member, of the object itself or of its options. Empty: there is none. */
static struct slice find_member(struct slice object, struct slice name)
{
    struct slice options = json_view_member(object, "options"), member;
    char text[64];

    snprintf(text, sizeof text, "%.*s", (int)name.len, name.at);
    member = json_view_member(object, text);
    return member.len > 0 ? member : json_view_member(options, text);
}

/* The member that a sentence names: 'thresholds.warning' is in thresholds. */
static struct slice member_of(struct slice object, const char *sentence)
{
    const char *begin = strchr(sentence, '\'');
    const char *end = begin != NULL ? strchr(begin + 1, '\'') : NULL;

    if (end != NULL && end - begin < 60) {
        struct slice name = { begin + 1, (size_t)(end - begin) - 1 };

        return find_member(object, slice_cut(&name, '.'));
    }
    if (strstr(sentence, "threshold") != NULL)
        return find_member(object, SLICE("thresholds"));
    return (struct slice){ NULL, 0 };
}

static void complain(const struct monitor_file *file, const char *sentence,
                     struct problems *problems)
{
    struct slice member = member_of(file->value, sentence);

    if (member.len > 0)
        problems_error(problems, "%s, line %zu: %s", file->path, line_of(file, member),
                       sentence);
    else
        problems_error(problems, "%s: %s", file->path, sentence);
}

/* ---- reading ----------------------------------------------------------- */

/* NULL, or why not. */
static const char *read_bytes(const char *path, struct bytes *out)
{
    const char *why;
    FILE *file = regular_file_open(path, &why);

    if (file == NULL)
        return why;
    unsigned char *room = bytes_room(out, MONITOR_FILE_MAX + 1);

    if (room != NULL)
        out->len = fread(room, 1, MONITOR_FILE_MAX + 1, file);
    bool failed = ferror(file) != 0;

    fclose(file);
    return room == NULL                  ? "not enough memory"
           : failed                      ? "it cannot be read"
           : out->len > MONITOR_FILE_MAX ? "it has more than 1 MiB"
                                         : NULL;
}

static bool read_json(struct monitor_file *file, struct problems *problems)
{
    struct slice text = bytes_view(&file->text);
    struct json_fault fault;
    size_t line, byte;

    if (!json_view_check(text, KEYS_MAX, &file->value, &fault)) {
        find_place(file, fault.at, &line, &byte);
        problems_error(problems, "%s, line %zu, byte %zu: %s", file->path, line, byte,
                       fault.sentence);
        return false;
    }
    if (json_view_kind(file->value) == JSON_KIND_OBJECT)
        return true;
    problems_error(problems, "%s: expected an object, as the API gives it back", file->path);
    return false;
}

static bool has(struct slice object, const char *name)
{
    return json_view_member(object, name).len > 0;
}

/* What it is made of is not needed, only whether it is one. */
static bool read_downtime(const struct monitor_file *file, bool is_v2,
                          struct problems *problems)
{
    struct slice attributes = json_view_member(
        has(file->value, "data") ? json_view_member(file->value, "data") : file->value,
        "attributes");
    struct downtime downtime;
    char problem[SENTENCE_MAX] = "";
    bool good = is_v2 ? downtime_read_v2(attributes.len > 0 ? attributes : file->value, 0,
                                         &downtime, problem, sizeof problem)
                      : downtime_read_v1(file->value, 0, &downtime, problem, sizeof problem);
    bool can = good && downtime_can_recur(&downtime, problem, sizeof problem);

    if (good)
        downtime_free(&downtime);
    if (!can)
        complain(file, problem, problems);
    return can;
}

static bool read_value(struct monitor_file *file, struct problems *problems)
{
    bool is_v2 = has(file->value, "monitor_identifier") || has(file->value, "attributes") ||
                 has(file->value, "data");
    char problem[SENTENCE_MAX] = "";

    file->is_downtime = !has(file->value, "query") && (is_v2 || has(file->value, "scope"));
    if (file->is_downtime)
        return read_downtime(file, is_v2, problems);
    if (!has(file->value, "query")) {
        problems_error(problems,
                       "%s: expected a monitor, which has a query, or a downtime, which has a "
                       "scope",
                       file->path);
        return false;
    }
    if (monitor_read(file->value, &file->monitor, problem, sizeof problem))
        return true;
    complain(file, problem, problems);
    return false;
}

bool monitor_file_read(struct monitor_file *out, const char *path, struct problems *problems)
{
    *out = (struct monitor_file){ .path = path };
    const char *why = read_bytes(path, &out->text);

    if (why != NULL)
        problems_error(problems, "%s: %s", path, why);
    return why == NULL && read_json(out, problems) && read_value(out, problems);
}

void monitor_file_free(struct monitor_file *given)
{
    monitor_free(&given->monitor);
    bytes_free(&given->text);
}

/* ---- what does not do what it looks like ------------------------------- */

struct survey {
    const struct monitor_file *file;
    const struct receivers *receivers;
    struct problems *problems;
    size_t line;                 /* of the template */
    struct slice told[TOLD_MAX]; /* each is told once */
    size_t n_told;
};

static bool is_told(struct survey *survey, struct slice text)
{
    if (slice_is_among(text, survey->told, survey->n_told))
        return true;
    if (survey->n_told < TOLD_MAX)
        survey->told[survey->n_told++] = text;
    return false;
}

static int shown_length(struct slice text)
{
    return (int)(text.len < NAME_SHOWN ? text.len : NAME_SHOWN);
}

static void hear_receiver(void *self, struct slice handle, bool has_variable)
{
    struct survey *survey = self;
    const struct webhook *webhook;

    if (survey->receivers == NULL || is_told(survey, handle))
        return;
    enum receiver_refusal refusal =
        receivers_find(survey->receivers, handle, has_variable, &webhook);

    if (refusal != RECEIVER_TAKEN)
        problems_warn(survey->problems, "%s, line %zu: @%.*s is not told: %s",
                      survey->file->path, survey->line, shown_length(handle), handle.at,
                      receiver_refusal_sentence(refusal));
}

static void hear_unknown(void *self, struct slice name)
{
    struct survey *survey = self;

    if (!is_told(survey, name))
        problems_warn(survey->problems, "%s, line %zu: {{%.*s}} is not known, and empty",
                      survey->file->path, survey->line, shown_length(name), name.at);
}

/* Of a check by "*" a group may have any tag, and a host may have any; nobody tells us of its
 * hardware. */
static bool is_any_tag(void *self, struct slice name, struct bytes *out)
{
    const struct condition *condition = self;

    (void)out;
    if (slice_starts(name, SLICE("host.metadata_")))
        return false;
    for (size_t i = 0; i < condition->n_by; i++)
        if (slice_equal(condition->by[i], SLICE("host")) && slice_starts(name, SLICE("host.")))
            return true;
    return condition->n_by == 1 && slice_equal(condition->by[0], SLICE("*")) && name.len > 5 &&
           slice_equal(slice_skip(name, name.len - 5), SLICE(".name"));
}

/* As of a group whose tags have no values. */
static void survey_template(struct survey *survey, const char *member, struct slice text)
{
    static const struct template_pair host[] = { { SLICE("name"), SLICE("") },
                                                 { SLICE("ip"), SLICE("") } };
    struct condition condition = survey->file->monitor.condition;
    char room[CONDITION_BY_MAX][256];
    struct slice tags[CONDITION_BY_MAX];
    struct template_listener listener = { hear_receiver, hear_unknown, survey, NULL };
    struct template_facts facts = { .rules = &survey->file->monitor.rules,
                                    .tags = tags,
                                    .n_tags = condition.n_by,
                                    .host = host,
                                    .offset = zone_offset,
                                    .find = is_any_tag,
                                    .self = &condition };

    for (size_t i = 0; i < condition.n_by; i++) {
        int len = snprintf(room[i], sizeof room[i], "%.*s:", (int)condition.by[i].len,
                           condition.by[i].at);

        tags[i] = (struct slice){ room[i], len < (int)sizeof room[i] ? (size_t)len : 0 };
        if (slice_equal(condition.by[i], SLICE("host")) ||
            slice_equal(condition.by[i], SLICE("*")))
            facts.n_host = 2;
    }
    survey->line = line_of(survey->file, find_member(survey->file->value, slice_of(member)));
    if (!template_survey(text, &facts, &listener))
        problems_warn(survey->problems, "%s, line %zu: '%s' makes a message that is cut",
                      survey->file->path, survey->line, member);
}

/* ---- members that nobody reads ----------------------------------------- */

/* All that the API gives back, read or not. */
static bool is_of_monitors(struct slice name)
{
    static const char *const names[] = {
        "id",
        "org_id",
        "type",
        "name",
        "message",
        "tags",
        "query",
        "options",
        "multi",
        "priority",
        "created_at",
        "created",
        "modified",
        "deleted",
        "restricted_roles",
        "assets",
        "creator",
        "restriction_policy",
        "state",
        "file",
        "overall_state_modified",
        "problem",
        "draft_status",
        "overall_state",
        "matching_downtimes",
        "metadata",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_view_says(name, names[i]))
            return true;
    return false;
}

static bool is_of_options(struct slice name)
{
    char text[64] = "";

    return name.len <= sizeof text &&
           monitor_knows_option((struct slice){ text, json_view_text(name, text) });
}

static void survey_members(const struct survey *survey, struct slice object,
                           bool (*is_known)(struct slice name), const char *of)
{
    struct slice inside = json_view_inside(object), name, value;

    while (json_view_next_member(&inside, &name, &value))
        if (!is_known(name))
            problems_warn(survey->problems, "%s, line %zu: %.*s%s is not known, and ignored",
                          survey->file->path, line_of(survey->file, name), shown_length(name),
                          name.at, of);
}

void monitor_file_survey(const struct monitor_file *file, const struct receivers *receivers,
                         struct problems *problems)
{
    struct survey survey = { .file = file, .problems = problems };

    if (file->is_downtime)
        return;
    if (file->monitor.name.len > 0)
        survey_template(&survey, "name", file->monitor.name);
    survey.receivers = receivers; /* a name tells nobody */
    survey_members(&survey, file->value, is_of_monitors, "");
    survey_members(&survey, json_view_member(file->value, "options"), is_of_options,
                   " of options");
    if (file->monitor.message.len > 0)
        survey_template(&survey, "message", file->monitor.message);
    if (file->monitor.escalation.len > 0)
        survey_template(&survey, "escalation_message", file->monitor.escalation);
}
