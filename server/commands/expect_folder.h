/* server/commands/expect_folder.h: a private folder under $TMPDIR for sockets, and its end.
 *
 * Only its user may look into it. Who has it open has it locked, so a folder that nobody has
 * locked is what a killed command left behind: the next start removes it. */
#ifndef SERVER_COMMANDS_EXPECT_FOLDER_H
#define SERVER_COMMANDS_EXPECT_FOLDER_H

#include <stdbool.h>

/* A path in it must fit into the address of a socket. */
enum { EXPECT_FOLDER_SIZE = 80 };

struct expect_folder {
    char path[EXPECT_FOLDER_SIZE];
    int lock; /* -1: another process has it */
};

/* False with errno; path then says where. */
bool expect_folder_make(struct expect_folder *out);

/* With all files in it, whoever has it locked. It may be gone already. */
void expect_folder_remove(struct expect_folder *given);

/* Removes those of this user that nobody has any more. */
void expect_folder_sweep(void);

#endif
