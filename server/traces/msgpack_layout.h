/* server/traces/msgpack_layout.h: lists and maps of msgpack into structs, by tables.
 *
 *   [ item, item ... ]      ──► an array of structs in the arena    struct msgpack_items
 *   { "name": value ... }   ──► the members of one struct           struct msgpack_field
 *
 * An array has room at first for as many structs as the bytes that are left could be, and more
 * as they come: a length that lies takes no more memory than its body has bytes. */
#ifndef SERVER_TRACES_MSGPACK_LAYOUT_H
#define SERVER_TRACES_MSGPACK_LAYOUT_H

#include "server/traces/msgpack_reader.h"

/* What one item is. */
struct msgpack_items {
    const char *what; /* for faults: "span" */
    size_t size;
    bool of_map; /* an item is a key and its value */
    bool (*read)(struct msgpack_reader *reader, void *item);
};

/* *items: an array of *n in the arena; NULL: none. */
MUST_CHECK bool msgpack_read_items(struct msgpack_reader *reader,
                                   const struct msgpack_items *kind, void *items, uint32_t *n);

/* A member by its name; names that no field has are skipped, of several the last counts. */
struct msgpack_field {
    const char *name;
    size_t name_len;
    size_t offset;
    bool (*read)(struct msgpack_reader *reader, void *member);
};

#define MSGPACK_FIELD(name, type, member, read)              \
    {                                                        \
        name, sizeof(name) - 1, offsetof(type, member), read \
    }
/* Its read() is given the whole struct. */
#define MSGPACK_FIELD_OF_ALL(name, read) \
    {                                    \
        name, sizeof(name) - 1, 0, read  \
    }

/* to: already what it is where nothing is said of it; nil says nothing of any member. */
MUST_CHECK bool msgpack_read_fields(struct msgpack_reader *reader,
                                    const struct msgpack_field *fields, size_t n_fields,
                                    void *to);

/* ---- for tables: members of their types -------------------------------- */

bool msgpack_text_member(struct msgpack_reader *reader, void *slice);
bool msgpack_u64_member(struct msgpack_reader *reader, void *number);
bool msgpack_u32_member(struct msgpack_reader *reader, void *number);
bool msgpack_i64_member(struct msgpack_reader *reader, void *number);
bool msgpack_i32_member(struct msgpack_reader *reader, void *number);
bool msgpack_double_member(struct msgpack_reader *reader, void *number);
bool msgpack_bool_member(struct msgpack_reader *reader, void *truth);

#endif
