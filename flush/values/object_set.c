/* In a state: members + 1, their hashes | 0, registers. */
#include "flush/values/blob.h"
#include "flush/values/cell_kind.h"

enum { RANK_MAX = 51 }; /* of a register */

static void *make(struct arena *arena)
{
    return distinct_new(arena);
}

static struct object_added add(void **object, struct arena *arena, const struct sample *sample,
                               struct exactness *exactness)
{
    (void)exactness;
    if (*object == NULL)
        *object = distinct_new(arena);
    bool added =
        *object != NULL && distinct_add(*object, arena, distinct_hash(sample_member(sample)));
    return (struct object_added){ .values = added, .no_memory = !added };
}

static bool merge(void *into, struct arena *arena, void *other, struct exactness *exactness)
{
    (void)exactness;
    return distinct_merge(into, arena, other);
}

static bool write(struct state_writer *out, void *object, struct arena *arena)
{
    const uint8_t *registers = distinct_registers(object);
    const uint64_t *members;
    size_t n = distinct_members(object, &members);

    (void)arena;
    state_put_number(out, registers != NULL ? 0 : n + 1);
    if (registers != NULL)
        state_put(out, registers, DISTINCT_REGISTERS);
    else
        state_put(out, members, n * sizeof *members);
    return true;
}

static void *read_registers(struct state_reader *in, struct arena *arena)
{
    const uint8_t *registers = state_get(in, DISTINCT_REGISTERS);

    if (registers == NULL)
        return NULL;
    for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
        if (registers[i] > RANK_MAX)
            return NULL;
    return distinct_restore(arena, NULL, 0, registers);
}

static void *read(struct state_reader *in, struct arena *arena)
{
    uint64_t members[DISTINCT_EXACT];
    uint64_t n = state_get_number(in);

    if (in->failed || n > DISTINCT_EXACT + 1)
        return NULL;
    if (n == 0)
        return read_registers(in, arena);
    const uint8_t *at = state_get(in, (size_t)(n - 1) * sizeof *members);

    if (at == NULL)
        return NULL;
    memcpy(members, at, (size_t)(n - 1) * sizeof *members);
    return distinct_restore(arena, members, (size_t)(n - 1), NULL);
}

static bool pack(struct bytes *out, void *object, struct arena *arena)
{
    (void)arena;
    blob_put_distinct(out, object);
    return true;
}

static void *unpack(const uint8_t *at, size_t len, struct arena *arena)
{
    return blob_distinct(at, len, arena);
}

static struct object_summary summary(const void *object)
{
    double size = (double)distinct_count(object);

    return (struct object_summary){ size, 1, size, size, size };
}

const struct object_ops object_set = {
    .make = make,
    .add = add,
    .merge = merge,
    .write = write,
    .read = read,
    .pack = pack,
    .unpack = unpack,
    .summary = summary,
};
