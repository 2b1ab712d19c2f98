#include "protocol/dog.h"

static const unsigned char magic[] = { 0xd4, 0x74, 0xd0, 0x60 };

/* The fields of a record; those of a note are ours. */
enum {
    FIELD_TIME = 1,
    FIELD_SIZE = 2,
    FIELD_PAYLOAD = 3,
    FIELD_PID = 4,
    FIELD_NOTE = 32, /* 1, or 2 for the last one */
    FIELD_LINES = 33,
    FIELD_DATAGRAMS = 34,
    FIELD_SINCE = 35,
};

/* How a field is written: the low three bits of its key. */
enum { WIRE_NUMBER = 0, WIRE_EIGHT = 1, WIRE_BYTES = 2, WIRE_FOUR = 5 };

/* ---- the header and the end -------------------------------------------- */

bool dog_is_magic(struct slice bytes)
{
    size_t n = bytes.len < sizeof magic ? bytes.len : sizeof magic;

    return n > 0 && memcmp(bytes.at, magic, n) == 0;
}

int dog_version(const unsigned char header[DOG_HEADER_BYTES])
{
    int version = header[4] & 0x0f;

    return memcmp(header, magic, sizeof magic) == 0 && header[4] >> 4 == 0xf &&
                   header[5] == 0xff && header[6] == 0 && header[7] == 0 && version >= 1 &&
                   version <= DOG_VERSION
               ? version
               : 0;
}

void dog_write_header(unsigned char out[DOG_HEADER_BYTES])
{
    static const unsigned char rest[] = { 0xf0 | DOG_VERSION, 0xff, 0, 0 };

    memcpy(out, magic, sizeof magic);
    memcpy(out + sizeof magic, rest, sizeof rest);
}

void dog_write_end(unsigned char out[DOG_END_BYTES])
{
    memset(out, 0, DOG_END_BYTES);
}

uint32_t dog_read_size(const unsigned char at[DOG_SIZE_BYTES])
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write_size(unsigned char out[DOG_SIZE_BYTES], uint32_t size)
{
    for (int i = 0; i < DOG_SIZE_BYTES; i++)
        out[i] = (unsigned char)(size >> 8 * i);
}

/* ---- writing ----------------------------------------------------------- */

static unsigned char *put_number(unsigned char *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *to++ = (unsigned char)(number | 0x80);
    *to++ = (unsigned char)number;
    return to;
}

static unsigned char *put_field(unsigned char *to, unsigned field, uint64_t number)
{
    return number == 0 ? to : put_number(put_number(to, field << 3 | WIRE_NUMBER), number);
}

static unsigned char *put_note(unsigned char *to, const struct dog_note *note)
{
    to = put_field(to, FIELD_NOTE, note->is_last ? 2 : 1);
    to = put_field(to, FIELD_LINES, note->lines);
    to = put_field(to, FIELD_DATAGRAMS, note->datagrams);
    return put_field(to, FIELD_SINCE, (uint64_t)note->since_ns);
}

size_t dog_write_front(const struct dog_record *record, unsigned char out[DOG_FRONT_MAX])
{
    size_t len = record->note.is_there ? 0 : record->payload.len;
    unsigned char *to = put_field(out + DOG_SIZE_BYTES, FIELD_TIME, (uint64_t)record->time_ns);

    if (record->note.is_there)
        to = put_note(to, &record->note);
    to = put_field(to, FIELD_PID, (uint64_t)(int64_t)record->pid);
    if (len > 0) {
        to = put_field(to, FIELD_SIZE, len);
        to = put_number(put_number(to, FIELD_PAYLOAD << 3 | WIRE_BYTES), len);
    } else if (to == out + DOG_SIZE_BYTES) {
        to = put_number(put_number(to, FIELD_SIZE << 3), 0); /* a size of 0 is the end */
    }
    write_size(out, (uint32_t)((size_t)(to - out) - DOG_SIZE_BYTES + len));
    return (size_t)(to - out);
}

/* ---- reading ----------------------------------------------------------- */

static bool take_number(struct slice *rest, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 10 && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->at[i];

        *out |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *rest = slice_skip(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* A field as it stands: a number, or bytes. */
struct field {
    uint64_t key;
    uint64_t number;
    struct slice bytes;
};

static const char *take_bytes(struct slice *rest, uint64_t len, struct slice *out)
{
    if (len > rest->len)
        return "a field is longer than its record";
    *out = (struct slice){ rest->at, (size_t)len };
    *rest = slice_skip(*rest, (size_t)len);
    return NULL;
}

static const char *take_field(struct slice *rest, struct field *out)
{
    *out = (struct field){ 0 };
    if (!take_number(rest, &out->key) || out->key >> 3 == 0)
        return "here is no field of protobuf";
    switch (out->key & 7) {
    case WIRE_NUMBER:
        return take_number(rest, &out->number) ? NULL : "a number is cut or too long";
    case WIRE_EIGHT:
        return take_bytes(rest, 8, &out->bytes);
    case WIRE_FOUR:
        return take_bytes(rest, 4, &out->bytes);
    case WIRE_BYTES:
        return take_number(rest, &out->number) ? take_bytes(rest, out->number, &out->bytes)
                                               : "a length is cut or too long";
    default:
        return "a field is of no kind that protobuf has";
    }
}

/* What is not known is left out, as is a field that is of another kind than it should be. */
static void keep_field(const struct field *field, struct dog_record *out, uint64_t *size,
                       uint64_t *time)
{
    struct dog_note *note = &out->note;

    switch (field->key) {
    case FIELD_TIME << 3 | WIRE_NUMBER:
        *time = field->number;
        break;
    case FIELD_SIZE << 3 | WIRE_NUMBER:
        *size = field->number;
        break;
    case FIELD_PAYLOAD << 3 | WIRE_BYTES:
        out->payload = field->bytes;
        break;
    case FIELD_PID << 3 | WIRE_NUMBER:
        out->pid = (int32_t)(uint32_t)field->number;
        break;
    case FIELD_NOTE << 3 | WIRE_NUMBER:
        note->is_there = true;
        note->is_last = field->number == 2;
        break;
    case FIELD_LINES << 3 | WIRE_NUMBER:
        note->lines = field->number;
        break;
    case FIELD_DATAGRAMS << 3 | WIRE_NUMBER:
        note->datagrams = field->number;
        break;
    case FIELD_SINCE << 3 | WIRE_NUMBER:
        note->since_ns = (int64_t)field->number;
        break;
    }
}

/* False: no clock has shown that time. */
static bool read_time(uint64_t time, int version, int64_t *out)
{
    int64_t unit = version >= 3 ? 1 : INT64_C(1000000000);

    if (time > (uint64_t)(INT64_MAX / unit))
        return false;
    *out = (int64_t)time * unit;
    return true;
}

const char *dog_read_record(struct slice bytes, int version, struct dog_record *out, size_t *at)
{
    struct slice rest = bytes;
    uint64_t size = UINT64_MAX, time = 0;
    struct field field;

    *out = (struct dog_record){ .payload = { bytes.at, 0 } };
    while (rest.len > 0) {
        *at = bytes.len - rest.len;
        const char *why = take_field(&rest, &field);
        if (why != NULL)
            return why;
        keep_field(&field, out, &size, &time);
    }
    *at = 0;
    if (!read_time(time, version, &out->time_ns))
        return "its time is none";
    if (size != UINT64_MAX && size > out->payload.len)
        return "its payload is shorter than it says";
    if (size != UINT64_MAX)
        out->payload.len =
            (size_t)size; /* the Agent's buffer may be longer than the datagram */
    return NULL;
}
