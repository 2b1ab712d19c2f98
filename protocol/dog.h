/* protocol/dog.h: the Agent's file of captured datagrams, byte by byte.
 *
 *   D4 74 D0 60  F0|version  FF 00 00      a header of eight bytes
 *   size  record                           as often as there are datagrams
 *   0  state  size of the state            from version 2 on: whose the processes were
 *
 * A size is four bytes, the low one first; records and the state are messages of protobuf. Of a
 * record these fields are read: 1 time, 2 size of the payload, 3 payload, 4 pid. Its time is in
 * nanoseconds from version 3 on, in seconds before that. What we write is version 3, with a
 * state that is empty: which container a process was in is the Agent's to know.
 *
 * A server that tells what it receives as it arrives speaks the same, with notes in between:
 * records without a payload, in fields that the Agent has not got. No note is in a file.
 *
 * Pure; payloads are views into the bytes given. */
#ifndef PROTOCOL_DOG_H
#define PROTOCOL_DOG_H

#include <stdint.h>

#include "protocol/slice.h"

enum {
    DOG_VERSION = 3,
    DOG_HEADER_BYTES = 8,
    DOG_SIZE_BYTES = 4,
    DOG_END_BYTES = 8,        /* what stands behind the records, where the state is empty */
    DOG_RECORD_MAX = 1 << 20, /* a datagram has 64 KiB at most */
    DOG_FRONT_MAX = 96,       /* what stands in front of a payload */
    DOG_STATE_SINCE_VERSION = 2
};

/* What a server says of a capture so far. */
struct dog_note {
    bool is_there;
    bool is_last;
    uint64_t lines;     /* that the workers had no room for, or too little of */
    uint64_t datagrams; /* that had no room on their way to the reader, or in a worker's ring */
    int64_t since_ns;   /* nothing before this time was kept any more; 0: all of it was */
};

struct dog_record {
    int64_t time_ns; /* wall clock */
    int32_t pid;     /* who sent it; 0: not known */
    struct slice payload;
    struct dog_note note;
};

/* Whether bytes may be the beginning of such a file: of its four magic ones, as many as there
 * are. */
bool dog_is_magic(struct slice bytes);

/* Of a whole header; 0: it is none, or of a version that is not known. */
int dog_version(const unsigned char header[DOG_HEADER_BYTES]);

void dog_write_header(unsigned char out[DOG_HEADER_BYTES]);

/* What stands in front of the payload, its size too; returns how many bytes. A record with a
 * note has no payload. */
size_t dog_write_front(const struct dog_record *record, unsigned char out[DOG_FRONT_MAX]);

/* What stands behind the last record. */
void dog_write_end(unsigned char out[DOG_END_BYTES]);

uint32_t dog_read_size(const unsigned char at[DOG_SIZE_BYTES]);

/* Reads a whole record, without its size. NULL, or why it is none (static); *at: the offset of
 * the byte at fault in it. */
const char *dog_read_record(struct slice bytes, int version, struct dog_record *out,
                            size_t *at);

#endif
