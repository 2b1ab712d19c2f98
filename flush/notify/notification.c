#include "flush/notify/notification.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "flush/memory/json_out.h"
#include "flush/memory/json_view.h"

enum { KEPT_KEYS_MAX = 64 };

/* The texts of one. X(member) */
#define TEXTS(X)    \
    X(monitor_name) \
    X(group)        \
    X(receiver)     \
    X(title)        \
    X(text)         \
    X(tags)         \
    X(link)         \
    X(query)

static const char *const end_words[] = {
#define END_WORD(id, word) [id] = word,
    NOTIFICATION_ENDS(END_WORD)
#undef END_WORD
};

const char *notification_end_word(enum notification_end end)
{
    return end_words[end];
}

bool notification_end_find(struct slice word, enum notification_end *out)
{
    for (int end = 0; end < NOTIFICATION_END_COUNT; end++)
        if (slice_equal(word, slice_of(end_words[end]))) {
            *out = (enum notification_end)end;
            return true;
        }
    return false;
}

void notification_id(int64_t monitor, struct slice group, const struct transition *transition,
                     char out[static NOTIFICATION_ID_SIZE])
{
    static const char *const words[] = { [MONITOR_OK] = "ok",
                                         [MONITOR_NO_DATA] = "no-data",
                                         [MONITOR_WARN] = "warn",
                                         [MONITOR_ALERT] = "alert" };

    snprintf(out, NOTIFICATION_ID_SIZE, "%" PRId64 ".%016" PRIx64 ".%s.%" PRId64 ".%u", monitor,
             (uint64_t)XXH3_64bits(group.at, group.len), words[transition->to],
             transition->at_s, transition->again);
}

static size_t text_size(const struct notification *of)
{
    size_t size = 0;

#define ADD(member) size += of->member.len;
    TEXTS(ADD)
#undef ADD
    return size;
}

struct notification *notification_new(const struct notification *from)
{
    struct bytes picture = { 0 };
    size_t size = sizeof(struct notification) + text_size(from);
    struct notification *made = malloc(size);

    bytes_add(&picture, from->picture.at, from->picture.len);
    if (made == NULL || picture.failed) {
        bytes_free(&picture);
        free(made);
        return NULL;
    }
    char *at = made->bytes;

    *made = *from;
    made->next = NULL;
    made->picture = picture;
    made->size = size + picture.len;
#define COPY(member) made->member = slice_copy(from->member, &at);
    TEXTS(COPY)
#undef COPY
    return made;
}

void notification_free(struct notification *given)
{
    if (given != NULL)
        bytes_free(&given->picture);
    free(given);
}

void notification_free_all(struct notification *given)
{
    struct notification *next;

    for (; given != NULL; given = next) {
        next = given->next;
        notification_free(given);
    }
}

/* ---- kept -------------------------------------------------------------- */

bool notification_write(const struct notification *notification, struct bytes *out)
{
    struct json_out json = { .bytes = *out };

    json_out_begin(&json, NULL, '{');
    json_out_text(&json, "id", notification->id);
    json_out_signed(&json, "monitor", notification->monitor);
    json_out_text(&json, "from", monitor_state_word(notification->transition.from));
    json_out_text(&json, "to", monitor_state_word(notification->transition.to));
    json_out_signed(&json, "at_s", notification->transition.at_s);
    json_out_number(&json, "again", notification->transition.again);
    json_out_bool(&json, "late", notification->transition.is_late);
    json_out_signed(&json, "raised_s", notification->raised_s);
    if (notification->has_value)
        json_out_exact(&json, "value", notification->value);
    json_out_bool(&json, "test", notification->is_test);
    json_out_number(&json, "priority", (uint64_t)notification->priority);
#define WRITE(member) json_out_slice(&json, #member, notification->member);
    TEXTS(WRITE)
#undef WRITE
    json_out_end(&json, '}');
    *out = json.bytes;
    return !out->failed;
}

static bool read_state(struct slice value, enum monitor_state *out)
{
    char word[32] = "";

    return value.len <= sizeof word &&
           monitor_state_find((struct slice){ word, json_view_text(value, word) }, out);
}

static bool read_number(struct slice json, const char *name, int64_t *out)
{
    return json_view_whole(json_view_member(json, name), out);
}

static bool read_members(struct slice json, struct notification *out)
{
    struct slice id = json_view_member(json, "id");
    int64_t again, priority;

    if (id.len > sizeof out->id ||
        !read_state(json_view_member(json, "from"), &out->transition.from) ||
        !read_state(json_view_member(json, "to"), &out->transition.to) ||
        !read_number(json, "monitor", &out->monitor) ||
        !read_number(json, "at_s", &out->transition.at_s) ||
        !read_number(json, "raised_s", &out->raised_s) || !read_number(json, "again", &again) ||
        !read_number(json, "priority", &priority))
        return false;
    out->id[json_view_text(id, out->id)] = '\0';
    out->transition.again = (uint32_t)again;
    out->transition.is_told = true;
    out->transition.is_late = json_view_kind(json_view_member(json, "late")) == JSON_KIND_TRUE;
    out->priority = (int)priority;
    out->has_value = json_view_number(json_view_member(json, "value"), &out->value);
    out->is_test = json_view_kind(json_view_member(json, "test")) == JSON_KIND_TRUE;
    return true;
}

struct notification *notification_restore(struct slice text)
{
    struct notification kept = { .size = 0 }, *made = NULL;
    struct json_fault fault;
    struct slice json;

    if (!json_view_check(text, KEPT_KEYS_MAX, &json, &fault) || !read_members(json, &kept))
        return NULL;
    char *room = malloc(text.len), *at = room;

    if (room == NULL)
        return NULL;
#define READ(member) kept.member = json_view_decode(json_view_member(json, #member), &at);
    TEXTS(READ)
#undef READ
    made = notification_new(&kept);
    free(room);
    return made;
}
