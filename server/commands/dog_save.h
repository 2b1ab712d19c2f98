/* server/commands/dog_save.h: a capture file that is written, plain or compressed.
 *
 * It is made exclusively, its owner's alone (0600), with the header in it. What was added is in
 * the file after dog_save_flush(), so whoever is ended amid a capture leaves all records of
 * before that; dog_save_end() makes it whole (protocol/dog.h). */
#ifndef SERVER_COMMANDS_DOG_SAVE_H
#define SERVER_COMMANDS_DOG_SAVE_H

#include "protocol/dog.h"

struct dog_save;

/* NULL: errno says why. */
struct dog_save *dog_save_new(const char *path, bool compressed);

/* Of a record that is no note. What cannot be written is told by the flush. */
void dog_save_add(struct dog_save *save, const struct dog_record *record);

/* False: errno says why, now and ever after. */
bool dog_save_flush(struct dog_save *save);

/* Writes the end, and closes the file; given. */
bool dog_save_end(struct dog_save *given);

#endif
