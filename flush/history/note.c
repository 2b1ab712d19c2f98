#include "flush/history/note.h"

#include <stdlib.h>
#include <string.h>

static struct slice put(char **at, struct slice text)
{
    struct slice copy = { *at, text.len };

    if (text.len > 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
}

struct note *note_new(struct slice kind, struct slice name, int64_t changed_s,
                      struct slice text)
{
    size_t size = sizeof(struct note) + kind.len + name.len + text.len;
    struct note *note = malloc(size);

    if (note == NULL)
        return NULL;
    char *at = note->bytes;

    note->next = NULL;
    note->changed_s = changed_s;
    note->size = size;
    note->kind = put(&at, kind);
    note->name = put(&at, name);
    note->text = put(&at, text);
    return note;
}

void note_free_all(struct note *given)
{
    while (given != NULL) {
        struct note *next = given->next;

        free(given);
        given = next;
    }
}

int note_write(const struct note *note, struct store *store)
{
    const struct store_definition definition = { note->kind, note->name, note->changed_s,
                                                 note->text };

    return store_put_definition(store, &definition);
}

int note_read_all(struct store *store, struct mailbox *to,
                  void (*recalled)(void *argument, const struct note *note), void *argument)
{
    struct store_definition one;
    int result = store_read_definitions(store), next = SQLITE_DONE;

    if (result != SQLITE_OK)
        return result;
    while ((next = store_next_definition(store, &one)) == SQLITE_ROW) {
        struct note *note = note_new(one.kind, one.name, one.changed_s, one.text);

        if (note == NULL) /* it stays on the disk for another time */
            continue;
        if (recalled != NULL)
            recalled(argument, note);
        mailbox_push(to, &note->letter);
    }
    store_end_definitions(store);
    return next == SQLITE_DONE ? SQLITE_OK : next;
}
