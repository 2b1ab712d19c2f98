#include <stdio.h>

#include "flush/memory/json_out.h"
#include "flush/memory/json_view.h"
#include "server/monitors/evaluator_internal.h"

enum {
    TOLD_KEYS_MAX = 64,
    ANSWER_SIZE = sizeof((struct told *)0)->answer,
    ANSWER_ESCAPED_SIZE = 6 * ANSWER_SIZE
};

/* ---- the history of notifications -------------------------------------- */

static struct told *slot_of(struct evaluator *evaluator, uint64_t number)
{
    return &evaluator->told[number % EVALUATOR_TOLD_MAX];
}

static void told_set(struct told *told, enum notification_end end, uint32_t attempts,
                     int64_t at_s, const char *answer)
{
    told->line.end = end;
    told->line.attempts = attempts;
    told->line.at_s = at_s;
    snprintf(told->answer, sizeof told->answer, "%.*s", ANSWER_SIZE - 1, answer);
    told->line.answer = told->answer;
}

/* The notification is given. */
static void fill(struct told *told, uint64_t number, struct notification *given)
{
    notification_free(told->notification);
    *told = (struct told){ .notification = given,
                           .number = number,
                           .line = { .id = slice_of(given->id),
                                     .monitor_name = given->monitor_name,
                                     .group = given->group,
                                     .receiver = given->receiver,
                                     .title = given->title,
                                     .raised_s = given->raised_s,
                                     .monitor = given->monitor,
                                     .to = given->transition.to } };
}

static void write_told(const struct told *told, struct json_out *out)
{
    struct bytes of = { 0 };

    json_out_begin(out, NULL, '{');
    json_out_number(out, "number", told->number);
    json_out_text(out, "end", notification_end_word(told->line.end));
    json_out_number(out, "attempts", told->line.attempts);
    json_out_signed(out, "at_s", told->line.at_s);
    json_out_text(out, "answer", told->answer);
    if (notification_write(told->notification, &of))
        json_out_raw(out, "of", bytes_view(&of));
    json_out_end(out, '}');
    bytes_free(&of);
}

/* Under its place in the ring, so that there are no more of them than in that. */
static struct slice place_of(const struct told *told, char room[static 32])
{
    int len = snprintf(room, 32, "%u", (unsigned)(told->number % EVALUATOR_TOLD_MAX));

    return (struct slice){ room, (size_t)len };
}

static void told_keep(struct evaluator *evaluator, const struct told *told)
{
    struct json_out text = { .comma = false };
    char place[32];

    write_told(told, &text);
    evaluator_keep(evaluator, "told", place_of(told, place), &text.bytes, NULL, NULL);
}

/* A storm goes through the ring many times a second: the disk gets what is in it then. */
static void told_is_news(struct evaluator *evaluator, struct told *told)
{
    told->is_news = evaluator->has_told_news = true;
}

void evaluator_write_told(struct evaluator *evaluator)
{
    if (!evaluator->has_told_news)
        return;
    evaluator->has_told_news = false;
    for (size_t i = 0; i < EVALUATOR_TOLD_MAX; i++) {
        if (evaluator->told[i].is_news)
            told_keep(evaluator, &evaluator->told[i]);
        evaluator->told[i].is_news = false;
    }
}

void told_note(struct evaluator *evaluator, const struct notification *of,
               enum notification_end end, const char *answer, int64_t now_s)
{
    struct notification plain = *of;

    /* What no line shows would be 64 MiB of a thousand long messages. */
    plain.picture = (struct bytes){ .at = NULL };
    plain.text = plain.tags = plain.link = plain.query = SLICE("");
    struct notification *copy = notification_new(&plain);

    if (copy == NULL)
        return;
    struct told *told = slot_of(evaluator, evaluator->next_told);

    fill(told, evaluator->next_told++, copy);
    told_set(told, end, 0, now_s, answer);
    if (end != NOTIFICATION_WAITING)
        told_is_news(evaluator, told);
}

const struct told_line *evaluator_told(const struct evaluator *evaluator, size_t i)
{
    for (size_t back = 1; back <= EVALUATOR_TOLD_MAX && back <= evaluator->next_told; back++) {
        const struct told *told =
            &evaluator->told[(evaluator->next_told - back) % EVALUATOR_TOLD_MAX];

        if (told->notification != NULL && i-- == 0)
            return &told->line;
    }
    return NULL;
}

void told_free_all(struct evaluator *evaluator)
{
    for (size_t i = 0; i < EVALUATOR_TOLD_MAX; i++)
        notification_free(evaluator->told[i].notification);
}

static struct told *find_told(struct evaluator *evaluator, struct slice id,
                              struct slice receiver)
{
    for (size_t i = 0; i < EVALUATOR_TOLD_MAX; i++) {
        struct told *told = &evaluator->told[i];

        if (told->notification != NULL && slice_equal(told->line.id, id) &&
            slice_equal(told->line.receiver, receiver))
            return told;
    }
    return NULL;
}

/* ---- handed over, and found again -------------------------------------- */

void told_hand_over(const struct evaluator *evaluator, struct state_writer *out)
{
    for (size_t i = 0; i < EVALUATOR_TOLD_MAX; i++) {
        const struct told *told = &evaluator->told[i];
        struct json_out text = { .comma = false };
        char place[32];

        if (told->notification == NULL)
            continue;
        write_told(told, &text);
        evaluator_hand_over_item(out, "told", place_of(told, place), &text.bytes);
    }
}

static bool read_line(struct slice json, struct told_line *out,
                      char answer[static ANSWER_ESCAPED_SIZE])
{
    struct slice end = json_view_member(json, "end"), said = json_view_member(json, "answer");
    char room[32] = "";
    int64_t attempts;

    if (end.len > sizeof room || said.len > ANSWER_ESCAPED_SIZE - 1 ||
        !notification_end_find((struct slice){ room, json_view_text(end, room) }, &out->end) ||
        !json_view_whole(json_view_member(json, "attempts"), &attempts) ||
        !json_view_whole(json_view_member(json, "at_s"), &out->at_s))
        return false;
    answer[json_view_text(said, answer)] = '\0';
    out->attempts = (uint32_t)attempts;
    return true;
}

/* What a program before this one left is as new as what the disk has of it. */
void told_restore(struct evaluator *evaluator, struct slice text)
{
    char answer[ANSWER_ESCAPED_SIZE];
    struct told_line line = { .at_s = 0 };
    struct slice json;
    struct json_fault fault;
    int64_t number;

    if (!json_view_check(text, TOLD_KEYS_MAX, &json, &fault) ||
        !json_view_whole(json_view_member(json, "number"), &number) || number < 0 ||
        !read_line(json, &line, answer))
        return;
    struct told *told = slot_of(evaluator, (uint64_t)number);
    struct notification *of =
        told->notification == NULL ? notification_restore(json_view_member(json, "of")) : NULL;

    if (of == NULL)
        return;
    fill(told, (uint64_t)number, of);
    told_set(told, line.end, line.attempts, line.at_s, answer);
    if ((uint64_t)number >= evaluator->next_told)
        evaluator->next_told = (uint64_t)number + 1;
}

/* The last that the ring has room for. */
void told_note_waiting(struct evaluator *evaluator)
{
    size_t n = 0;

    for (const struct notification *at = evaluator->waiting; at != NULL; at = at->next)
        n++;
    for (const struct notification *at = evaluator->waiting; at != NULL; at = at->next, n--)
        if (n <= EVALUATOR_TOLD_MAX &&
            find_told(evaluator, slice_of(at->id), at->receiver) == NULL)
            told_note(evaluator, at, NOTIFICATION_WAITING, "", at->raised_s);
}

/* ---- what became of it ------------------------------------------------- */

/* It is forgotten where it waited, and what is written down of the group says so, too. */
static void end_waiting(struct evaluator *evaluator, const struct notification *of)
{
    struct watched_monitor *monitor = monitors_find(&evaluator->monitors, of->monitor);
    struct watched_group *group =
        monitor != NULL ? watched_monitor_find(monitor, of->group) : NULL;

    if (group != NULL && watched_group_ended(group, slice_of(of->id), of->receiver))
        group_keep(evaluator, monitor, group, NULL, NULL);
}

void evaluator_hear(struct evaluator *evaluator, struct notification *given, struct slice id,
                    struct slice receiver, enum notification_end end, uint32_t attempts,
                    const char *answer, int64_t now_s)
{
    struct told *told = find_told(evaluator, id, receiver);

    if (told != NULL)
        told_set(told, end, attempts, now_s, answer);
    if (told != NULL && given != NULL)
        told_is_news(evaluator, told);
    if (given != NULL) {
        evaluator->waiting_bytes -= given->size - given->picture.len;
        end_waiting(evaluator, given);
    }
    notification_free(given);
}

void evaluator_send(struct evaluator *evaluator, struct notification *given)
{
    if (evaluator->waiting != NULL)
        evaluator_wait(evaluator, given);
    else
        evaluator->needs.send(evaluator->needs.self, given);
}

/* Behind the others. */
void evaluator_wait(struct evaluator *evaluator, struct notification *given)
{
    given->next = NULL;
    if (evaluator->waiting == NULL)
        evaluator->waiting = given;
    else
        evaluator->last_waiting->next = given;
    evaluator->last_waiting = given;
}
