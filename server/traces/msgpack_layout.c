#include "server/traces/msgpack_layout.h"

/* ---- lists ------------------------------------------------------------- */

/* An array of which the first n items are there already. */
static char *wider(struct msgpack_reader *reader, const char *items, uint32_t n, uint32_t room,
                   size_t size)
{
    char *more = msgpack_room(reader, room * size);

    if (more != NULL && n > 0)
        memcpy(more, items, n * size);
    return more;
}

static uint32_t first_room(const struct msgpack_reader *reader, uint32_t n, size_t size)
{
    size_t could = msgpack_left(reader) / size + 1;

    return could < n ? (uint32_t)could : n;
}

bool msgpack_read_items(struct msgpack_reader *reader, const struct msgpack_items *kind,
                        void *items, uint32_t *n)
{
    uint32_t to_come, room = 0;
    char *array = NULL;

    if (!(kind->of_map ? msgpack_read_map(reader, &to_come)
                       : msgpack_read_list(reader, &to_come)))
        return false;
    for (uint32_t i = 0; i < to_come; i++) {
        if (i == room) {
            room = i == 0             ? first_room(reader, to_come, kind->size)
                   : to_come - i <= i ? to_come
                                      : i * 2;
            array = wider(reader, array, i, room, kind->size);
        }
        if (array == NULL || !kind->read(reader, array + i * kind->size))
            return msgpack_was_in(reader, kind->what, i + 1);
    }
    memcpy(items, &array, sizeof array);
    *n = to_come;
    return true;
}

/* ---- maps -------------------------------------------------------------- */

/* Tracers name the members in the same order each time, so the search begins behind the field
 * that was found last, *at. NULL: none has that name. */
static const struct msgpack_field *find(const struct msgpack_field *fields, size_t n_fields,
                                        struct slice name, size_t *at)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct msgpack_field *field = &fields[*at];

        *at = *at + 1 < n_fields ? *at + 1 : 0;
        if (field->name_len == name.len && memcmp(field->name, name.at, name.len) == 0)
            return field;
    }
    return NULL;
}

static bool read_field(struct msgpack_reader *reader, const struct msgpack_field *field,
                       char *to)
{
    if (field->read(reader, to + field->offset))
        return true;
    return reader->place[0] == '\0' && msgpack_was_in(reader, field->name, 0);
}

bool msgpack_read_fields(struct msgpack_reader *reader, const struct msgpack_field *fields,
                         size_t n_fields, void *to)
{
    uint32_t n;
    size_t at = 0;

    if (!msgpack_read_map(reader, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct slice name;

        if (!msgpack_read_bytes(reader, &name))
            return false;
        const struct msgpack_field *field = find(fields, n_fields, name, &at);

        if (!(field != NULL ? read_field(reader, field, to) : msgpack_skip(reader)))
            return false;
    }
    return true;
}

/* ---- members ----------------------------------------------------------- */

bool msgpack_text_member(struct msgpack_reader *reader, void *slice)
{
    return msgpack_read_text(reader, slice);
}

bool msgpack_u64_member(struct msgpack_reader *reader, void *number)
{
    return msgpack_read_u64(reader, number);
}

bool msgpack_u32_member(struct msgpack_reader *reader, void *number)
{
    return msgpack_read_u32(reader, number);
}

bool msgpack_i64_member(struct msgpack_reader *reader, void *number)
{
    return msgpack_read_i64(reader, number);
}

bool msgpack_i32_member(struct msgpack_reader *reader, void *number)
{
    return msgpack_read_i32(reader, number);
}

bool msgpack_double_member(struct msgpack_reader *reader, void *number)
{
    return msgpack_read_double(reader, number);
}

bool msgpack_bool_member(struct msgpack_reader *reader, void *truth)
{
    return msgpack_read_bool(reader, truth);
}
