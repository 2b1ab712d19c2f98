/* What came last, on its way to whoever keeps it for longer, and back.
 *
 *   body      form | is it cut? alert, priority, status | time, received | texts | how many
 * tags | tag, tag ... identity  name, host | tag, tag ...
 *
 * Numbers are varints, texts have their length before them. What is read may be damaged. */
#include "flush/snapshots/recent_internal.h"

#include "flush/memory/state.h"
#include "flush/memory/wire.h"

enum { FORM = 1 };

/* ---- writing ----------------------------------------------------------- */

static void put_number(struct bytes *out, uint64_t number)
{
    uint8_t text[VARINT_MAX];

    bytes_add(out, text, (size_t)(varint_put(text, number) - text));
}

static void put_text(struct bytes *out, struct slice text)
{
    put_number(out, text.len);
    if (text.len > 0)
        bytes_add(out, text.at, text.len);
}

void recent_put_body(struct bytes *out, const struct kept *kept, const struct shown *shown)
{
    put_number(out, FORM);
    put_number(out, kept->is_cut);
    put_number(out, kept->alert);
    put_number(out, kept->priority);
    put_number(out, kept->status);
    put_number(out, (uint64_t)kept->time_s);
    put_number(out, (uint64_t)kept->received_s);
    for (size_t i = 0; i < TEXTS; i++)
        put_text(out, shown->texts[i]);
    put_number(out, shown->n_tags);
    for (size_t i = 0; i < shown->n_tags; i++)
        put_text(out, shown->tags[i]);
}

static void put_identity(struct bytes *out, const struct shown *shown)
{
    put_text(out, shown->texts[TEXT_NAME]);
    put_text(out, shown->texts[TEXT_HOST]);
    for (size_t i = 0; i < shown->n_tags; i++)
        put_text(out, shown->tags[i]);
}

/* ---- reading ----------------------------------------------------------- */

struct source {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t get_number(struct source *from, uint64_t most)
{
    uint64_t number = 0;

    if (from->failed || !varint_get(&from->at, from->end, &number) || number > most)
        from->failed = true;
    return from->failed ? 0 : number;
}

static struct slice get_text(struct source *from)
{
    size_t len = (size_t)get_number(from, (uint64_t)(from->end - from->at));

    if (len > (size_t)(from->end - from->at)) {
        from->failed = true;
        len = 0;
    }
    struct slice text = { (const char *)from->at, len };

    from->at += len;
    return text;
}

bool recent_get_body(struct slice body, struct kept *out, struct shown *shown,
                     struct slice room[static RECENT_TAGS_MAX])
{
    struct source from = { (const uint8_t *)body.at, (const uint8_t *)body.at + body.len,
                           body.len == 0 || body.at[0] != FORM };

    (void)get_number(&from, FORM);
    out->is_cut = get_number(&from, 1) != 0;
    out->alert = (uint8_t)get_number(&from, EVENT_ERROR);
    out->priority = (uint8_t)get_number(&from, EVENT_LOW);
    out->status = (uint8_t)get_number(&from, 3);
    shown->time_s = (int64_t)get_number(&from, UINT64_MAX);
    shown->received_s = (int64_t)get_number(&from, UINT64_MAX);
    for (size_t i = 0; i < TEXTS; i++)
        shown->texts[i] = get_text(&from);
    shown->n_tags = (size_t)get_number(&from, RECENT_TAGS_MAX);
    for (size_t i = 0; i < shown->n_tags; i++)
        room[i] = get_text(&from);
    shown->tags = room;
    return !from.failed && from.at == from.end;
}

bool recent_recall(struct recent *recent, enum recent_kind kind, struct slice body)
{
    struct slice room[RECENT_TAGS_MAX];
    struct kept numbers = { .size = 0 };
    struct shown shown;

    if (!recent_get_body(body, &numbers, &shown, room))
        return false;
    struct kept *kept = recent_copy(&shown);

    if (kept == NULL)
        return false;
    kept->is_cut = kept->is_cut || numbers.is_cut;
    kept->alert = numbers.alert;
    kept->priority = numbers.priority;
    kept->status = numbers.status;
    return recent_add_oldest(recent, kind, kept, &shown);
}

uint64_t recent_body_mark(struct slice body)
{
    return recent_hash_text(0, body);
}

size_t recent_marks(const struct recent *recent, struct bytes *scratch,
                    uint64_t marks[static RECENT_EVENTS_MAX])
{
    struct slice room[RECENT_TAGS_MAX];
    size_t n = 0;

    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older) {
        struct shown shown = recent_show(at, room);

        bytes_clear(scratch);
        recent_put_body(scratch, at, &shown);
        if (!scratch->failed)
            marks[n++] = recent_body_mark(bytes_view(scratch));
    }
    return n;
}

/* ---- one after the other ----------------------------------------------- */

void recent_watch(struct recent *recent)
{
    recent->watched = true;
}

bool recent_take(struct recent *recent, enum recent_kind kind, struct recent_record *out)
{
    struct kept_list *list = kind == RECENT_EVENT ? &recent->events : &recent->checks;
    const struct kept *kept = list->ungiven;
    struct slice room[RECENT_TAGS_MAX];

    if (kept == NULL)
        return false;
    struct shown shown = recent_show(kept, room);

    bytes_clear(&out->identity);
    bytes_clear(&out->body);
    recent_put_body(&out->body, kept, &shown);
    if (kind == RECENT_CHECK)
        put_identity(&out->identity, &shown);
    out->received_s = kept->received_s;
    if (out->body.failed || out->identity.failed)
        return false;
    list->ungiven = kept->newer;
    return true;
}

void recent_untake(struct recent *recent)
{
    recent->events.ungiven = recent->events.oldest;
    recent->checks.ungiven = recent->checks.oldest;
}

/* ---- a successor takes over -------------------------------------------- */

/* The newest first, down to one that is not among them. */
static void hand_over(const struct kept_list *list, const struct kept *end,
                      struct state_writer *out)
{
    struct bytes body = { 0 };
    struct slice room[RECENT_TAGS_MAX];
    size_t n = 0;

    for (const struct kept *at = list->newest; at != end; at = at->older)
        n++;
    state_put_number(out, n);
    for (const struct kept *at = list->newest; at != end; at = at->older) {
        struct shown shown = recent_show(at, room);

        bytes_clear(&body);
        recent_put_body(&body, at, &shown);
        state_put_text(out, body.failed ? SLICE("") : bytes_view(&body));
    }
    bytes_free(&body);
}

/* The newest one that is kept elsewhere; NULL: none is. */
static const struct kept *newest_taken(const struct recent *recent,
                                       const struct kept_list *list, bool has_all)
{
    if (!recent->watched)
        return NULL;
    return has_all || list->ungiven == NULL ? list->newest : list->ungiven->older;
}

void recent_hand_over(const struct recent *recent, bool has_all, struct state_writer *out)
{
    hand_over(&recent->events, newest_taken(recent, &recent->events, has_all), out);
    hand_over(&recent->checks, newest_taken(recent, &recent->checks, has_all), out);
}

static bool restore(struct recent *recent, enum recent_kind kind, struct state_reader *in)
{
    bool good = true;

    for (size_t left = state_get_count(in, 1); left > 0 && !in->failed; left--)
        good = recent_recall(recent, kind, state_get_text(in)) && good;
    return good && !in->failed;
}

bool recent_restore(struct recent *recent, struct state_reader *in)
{
    bool events = restore(recent, RECENT_EVENT, in);
    bool checks = restore(recent, RECENT_CHECK, in);

    recent_untake(recent);
    return checks && events;
}
