#include "server/commands/monitor_screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/shown.h"
#include "flush/monitors/template.h"
#include "server/commands/times.h"

enum { GROUPS_SHOWN = 50, CHANGES_SHOWN = 20, PLACES = MONITOR_STATE_COUNT + 1 };

static const char letters[PLACES + 1] = { '.', [MONITOR_OK + 1] = 'O',
                                          [MONITOR_NO_DATA + 1] = 'N', [MONITOR_WARN + 1] = 'W',
                                          [MONITOR_ALERT + 1] = 'A' };

/* Backgrounds, and a text that can be read on them. */
static const char *const colours_of[PLACES] = { "\x1b[2m", [MONITOR_OK + 1] = "\x1b[30;42m",
                                                [MONITOR_NO_DATA + 1] = "\x1b[30;47m",
                                                [MONITOR_WARN + 1] = "\x1b[30;43m",
                                                [MONITOR_ALERT + 1] = "\x1b[97;41m" };

bool monitor_screen_has_colours(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0');
}

/* ---- a group ----------------------------------------------------------- */

static void print_line(const struct monitor_past *past, const struct past_group *group,
                       bool colours, FILE *out)
{
    uint8_t before = PLACES;

    fputs("  ", out);
    for (size_t i = 0; i < past->n_places; i++) {
        uint8_t at = group->line[i];

        if (colours && at != before)
            fprintf(out, "\x1b[0m%s", colours_of[at]);
        fputc(letters[at], out);
        before = at;
    }
    fputs(colours ? "\x1b[0m\n" : "\n", out);
}

static void print_change(const struct past_change *change, FILE *out)
{
    char value[32] = "";

    if (!isnan(change->value))
        (void)template_number(change->value, value);
    fputs("  ", out);
    times_put(out, change->at_s);
    fprintf(out, "  %s -> %s  %s%s\n", monitor_state_word(change->from),
            monitor_state_word(change->to), value, change->is_told ? "" : "  (nobody is told)");
}

static void print_group(const struct monitor_past *past, const struct past_group *group,
                        bool colours, FILE *out)
{
    size_t first = group->n_changes > CHANGES_SHOWN ? group->n_changes - CHANGES_SHOWN : 0;

    shown_put_text(out, group->name);
    fputc('\n', out);
    print_line(past, group, colours, out);
    if (first > 0)
        fprintf(out, "  ... %zu earlier changes\n", first);
    for (size_t i = first; i < group->n_changes; i++)
        print_change(&group->changes[i], out);
    if (group->changes_beyond > 0)
        fprintf(out, "  ... and %zu later ones\n", group->changes_beyond);
}

/* ---- all --------------------------------------------------------------- */

static void print_head(const struct monitor_past *past, FILE *out)
{
    char place[32], period[32];

    times_write_span(past->place_s, place, sizeof place);
    times_write_span(past->period_s, period, sizeof period);
    times_put(out, past->from_s);
    fputs(" to ", out);
    times_put(out, past->to_s);
    fprintf(out, ", evaluated each %s\n", period);
    fprintf(out,
            "each letter is the worst of %s: O OK, W Warn, A Alert, N No Data, . nothing\n",
            place);
}

static size_t count_told(const struct monitor_past *past)
{
    size_t told = 0;

    for (size_t i = 0; i < past->n_groups; i++)
        told += past->groups[i]->told;
    return told;
}

/* Those with changes first; each by name. */
static void print_groups(const struct monitor_past *past, bool colours, FILE *out)
{
    size_t shown = 0;

    for (int changed = 1; changed >= 0; changed--)
        for (size_t i = 0; i < past->n_groups && shown < GROUPS_SHOWN; i++) {
            const struct past_group *group = past->groups[i];

            if ((group->n_changes > 0) != (changed == 1))
                continue;
            print_group(past, group, colours, out);
            shown++;
        }
    if (shown < past->n_groups)
        fprintf(out, "... and %zu groups more (--json has all)\n", past->n_groups - shown);
}

void monitor_screen_print(const struct monitor_past *past, bool colours, FILE *out)
{
    size_t told = count_told(past);

    print_head(past, out);
    print_groups(past, colours, out);
    if (past->n_groups == 0)
        fputs("nothing matches in that time\n", out);
    else
        fprintf(out, "%zu group%s; %zu message%s would have been sent to each receiver\n",
                past->n_groups, past->n_groups == 1 ? "" : "s", told, told == 1 ? "" : "s");
}

/* ---- as JSON ----------------------------------------------------------- */

static void write_change(struct json_out *out, const struct past_change *change)
{
    json_out_begin(out, NULL, '{');
    json_out_signed(out, "at", change->at_s);
    json_out_text(out, "from", monitor_state_word(change->from));
    json_out_text(out, "to", monitor_state_word(change->to));
    json_out_exact(out, "value", change->value);
    json_out_bool(out, "is_told", change->is_told);
    json_out_end(out, '}');
}

static void write_group(const struct monitor_past *past, const struct past_group *group,
                        struct json_out *out)
{
    char line[MONITOR_PAST_PLACES];

    for (size_t i = 0; i < past->n_places; i++)
        line[i] = letters[group->line[i]];
    json_out_begin(out, NULL, '{');
    json_out_text(out, "group", group->name);
    json_out_slice(out, "line", (struct slice){ line, past->n_places });
    json_out_begin(out, "changes", '[');
    for (size_t i = 0; i < group->n_changes; i++)
        write_change(out, &group->changes[i]);
    json_out_end(out, ']');
    json_out_number(out, "changes_beyond", group->changes_beyond);
    json_out_number(out, "messages", group->told);
    json_out_end(out, '}');
}

void monitor_screen_write(const struct monitor_past *past, struct json_out *out)
{
    json_out_signed(out, "from", past->from_s);
    json_out_signed(out, "to", past->to_s);
    json_out_signed(out, "period", past->period_s);
    json_out_signed(out, "place", past->place_s);
    json_out_begin(out, "groups", '[');
    for (size_t i = 0; i < past->n_groups; i++)
        write_group(past, past->groups[i], out);
    json_out_end(out, ']');
}
