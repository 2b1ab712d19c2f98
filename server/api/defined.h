/* server/api/defined.h: all that is defined of one kind, by files and by API.
 *
 * Those of files stand before those that came by API, hide one with the same id, and are
 * changed by nobody but who changes the file. A view, made for one request. */
#ifndef SERVER_API_DEFINED_H
#define SERVER_API_DEFINED_H

#include "server/api/definitions.h"

struct defined {
    const struct definitions *of_files;
    struct definitions *made;
    enum definition_kind kind;
};

/* NULL: there is none. Views until the next change. */
struct definition *defined_find(const struct defined *defined, struct slice name);
struct definition *defined_find_number(const struct defined *defined, int64_t number);

/* The next of all; NULL: from the first on. */
const struct definition *defined_next(const struct defined *defined,
                                      const struct definition *after);

enum { DEFINED_BOARD_ID_LEN = 11, DEFINED_UUID_LEN = 36 };

/* A number that a double holds, and a name: "x4x-ttz-cnu", a UUID, or the number itself, by
 * kind; neither is taken yet. False: the system has no randomness. */
MUST_CHECK bool defined_make_ids(const struct defined *defined,
                                 char name[static DEFINED_UUID_LEN + 1], int64_t *number);

#endif
