#include "flush/history/note.h"

#include <stdlib.h>
#include <string.h>

#include "flush/memory/state.h"

struct note *note_new(enum note_kind is, struct slice kind, struct slice name,
                      int64_t changed_s, struct slice text)
{
    size_t size = sizeof(struct note) + kind.len + name.len + text.len;
    struct note *note = malloc(size);

    if (note == NULL)
        return NULL;
    char *at = note->bytes;

    note->next = NULL;
    note->back = NULL;
    note->argument = NULL;
    note->is = is;
    note->changed_s = changed_s;
    note->size = size;
    note->kind = slice_copy(kind, &at);
    note->name = slice_copy(name, &at);
    note->text = slice_copy(text, &at);
    return note;
}

void note_free_all(struct note *given)
{
    while (given != NULL) {
        struct note *next = given->next;

        free(given->argument);
        free(given);
        given = next;
    }
}

void note_give_back(struct note *given)
{
    given->next = NULL;
    if (given->back != NULL)
        mailbox_push(given->back, &given->letter);
    else
        note_free_all(given);
}

void note_put_all(const struct note *notes, struct state_writer *out)
{
    uint64_t n = 0;

    for (const struct note *at = notes; at != NULL; at = at->next)
        n++;
    state_put_number(out, n);
    for (const struct note *at = notes; at != NULL; at = at->next) {
        state_put_number(out, at->is);
        state_put_signed(out, at->changed_s);
        state_put_text(out, at->kind);
        state_put_text(out, at->name);
        state_put_text(out, at->text);
    }
}

struct note *note_get_all(struct state_reader *in)
{
    struct note *first = NULL, **end = &first;

    for (size_t left = state_get_count(in, 5); left > 0; left--) {
        uint64_t is = state_get_number(in);
        int64_t changed_s = state_get_signed(in);
        struct slice kind = state_get_text(in), name = state_get_text(in);
        struct slice text = state_get_text(in);

        in->failed = in->failed || is > NOTE_CHECK;
        if (in->failed)
            break;
        *end = note_new((enum note_kind)is, kind, name, changed_s, text);
        if (*end != NULL)
            end = &(*end)->next;
    }
    return first;
}

static int write_definition(const struct note *note, struct store *store)
{
    const struct store_definition definition = { note->kind, note->name, note->changed_s,
                                                 note->text };

    return store_put_definition(store, &definition);
}

int note_write(const struct note *note, struct store *store)
{
    switch (note->is) {
    case NOTE_EVENT:
        return store_put_event(store, note->changed_s, note->text);
    case NOTE_CHECK:
        return store_put_check(store, note->changed_s, note->name, note->text);
    case NOTE_DEFINITION:
        break;
    }
    return write_definition(note, store);
}

/* Whether a note of the list is about that definition. */
static bool is_about(const struct note *list, const struct store_definition *one)
{
    while (list != NULL &&
           (list->is != NOTE_DEFINITION || !slice_equal(list->name, one->name) ||
            !slice_equal(list->kind, one->kind)))
        list = list->next;
    return list != NULL;
}

int note_read_definitions(struct store *store, const struct note *waiting, struct mailbox *to,
                          void (*recalled)(void *argument, const struct note *note),
                          void *argument)
{
    struct store_definition one;
    size_t left = NOTE_READ_BYTES;
    int result = store_read_definitions(store), next = SQLITE_DONE;

    if (result != SQLITE_OK)
        return result;
    while ((next = store_next_definition(store, &one)) == SQLITE_ROW) {
        if (is_about(waiting, &one))
            continue;
        struct note *note =
            note_new(NOTE_DEFINITION, one.kind, one.name, one.changed_s, one.text);

        if (note == NULL || note->size > left) { /* it stays on the disk for another time */
            note_free_all(note);
            continue;
        }
        left -= note->size;
        if (recalled != NULL)
            recalled(argument, note);
        mailbox_push(to, &note->letter);
    }
    store_end_definitions(store);
    return next == SQLITE_DONE ? SQLITE_OK : next;
}

int note_read_records(struct store *store, enum note_kind is, size_t most, struct mailbox *to)
{
    enum store_record of = is == NOTE_EVENT ? STORE_RECORD_EVENT : STORE_RECORD_CHECK;
    struct slice body;
    int64_t time_s;
    int result = store_read_records(store, of, most), next = SQLITE_DONE;

    if (result != SQLITE_OK)
        return result;
    while ((next = store_next_record(store, of, &time_s, &body)) == SQLITE_ROW) {
        struct note *note = note_new(is, SLICE(""), SLICE(""), time_s, body);

        if (note != NULL)
            mailbox_push(to, &note->letter);
    }
    store_end_records(store, of);
    return next == SQLITE_DONE ? SQLITE_OK : next;
}
