/* server/commands/dog_file.h: a capture file that is read, plain or compressed.
 *
 * Record after record (protocol/dog.h); what is in memory at a time is one of them. What is
 * damaged or cut is told in one sentence with its offset; all records before that were there,
 * and are good. Of a compressed file the offset is that in what it holds. */
#ifndef SERVER_COMMANDS_DOG_FILE_H
#define SERVER_COMMANDS_DOG_FILE_H

#include <stdio.h>

#include "protocol/dog.h"

struct dog_file;

enum dog_step {
    DOG_RECORD, /* there is one */
    DOG_END,    /* the file has come to its end, and is whole */
    DOG_BAD,    /* the rest of it cannot be read: dog_file_problem() */
};

/* Of a file that is at its beginning; the file is given, and standard input may be one. NULL
 * without memory: it is closed. */
struct dog_file *dog_file_new(FILE *given);
void dog_file_free(struct dog_file *given);

/* The record is a view until the next step. Behind the end and behind what is bad nothing comes
 * any more. */
enum dog_step dog_file_next(struct dog_file *file, struct dog_record *out);

/* A sentence, such as "byte 1234: a field is longer than its record"; a view. */
const char *dog_file_problem(const struct dog_file *file);

/* Bytes of the file that were read so far, as they are on disk; and of what it holds. */
uint64_t dog_file_taken(const struct dog_file *file);
uint64_t dog_file_offset(const struct dog_file *file);

#endif
